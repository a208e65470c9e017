"""The server is lost: what is in the backups, and what comes back from them alone."""
