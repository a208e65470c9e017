"""A commit reaches the apps that follow it, and a bad one harms none."""
