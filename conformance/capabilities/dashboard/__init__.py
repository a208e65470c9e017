"""What users and administrators do on the platform's pages."""
