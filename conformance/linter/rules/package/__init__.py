"""Whether there is an app, its files can be read, and its charts render."""
