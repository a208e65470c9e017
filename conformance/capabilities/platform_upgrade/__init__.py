"""The platform moves from one release to the next, by a push to the tracked branch alone."""
