"""A maintainer's own tree: read, served to Flux on a fresh cluster, and judged when it is Ready."""
