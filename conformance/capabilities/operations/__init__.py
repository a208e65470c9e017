"""What happens to a platform of one server by itself, and what it makes of that without help."""
