"""Whether containers run a known version, are watched, and have ports that others find."""
