"""What every layer may use: it knows nothing of what is built on it."""
