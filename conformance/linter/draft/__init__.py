"""First drafts for packagers: conformance.yaml, and a Flux package for a chart that has none."""
