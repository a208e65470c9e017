"""What an app package is, and what the suite can do with a running instance of it."""
