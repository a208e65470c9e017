"""Typed clients of the services in the cluster, one module each. No installers: Flux installs."""
