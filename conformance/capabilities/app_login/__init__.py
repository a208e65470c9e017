"""One login: people log in to an app, and out of it, through the platform."""
