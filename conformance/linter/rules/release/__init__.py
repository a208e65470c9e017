"""Whether a HelmRelease, and the Kustomization around it, do what an operator needs of them."""
