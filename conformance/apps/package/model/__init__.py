"""The models of ``conformance.yaml``."""
