"""Apps under test that nobody here wrote: what a package says of itself in conformance.yaml."""
