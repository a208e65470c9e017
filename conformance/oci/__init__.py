"""Images as the OCI specifications have them: layouts, layers, what leaks in them, registries."""
