"""The platform under test: its namespaces, how the reference one is installed, other clusters."""
