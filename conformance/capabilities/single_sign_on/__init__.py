"""One login for every app, and nobody else gets in."""
