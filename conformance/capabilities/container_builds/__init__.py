"""Images are built reproducibly, obey their configuration and hold no secret."""
