"""What many runs say together: since when a check fails, how often it does, how long it takes."""
