"""What people and administrators do on the platform's pages."""
