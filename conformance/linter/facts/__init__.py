"""What several rules ask of an app: its volumes, its logins, its ingresses, its images."""
