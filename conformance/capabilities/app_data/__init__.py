"""An app's data is safe: on its claims, whatever is killed or removed, and in its backups."""
