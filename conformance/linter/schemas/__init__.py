"""What the custom resources of the pinned components look like: data, and what writes it."""
