"""What Flux makes of a tree: Kustomizations, their variables, HelmReleases and their values."""
