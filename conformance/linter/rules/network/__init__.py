"""Whether the way from an Ingress over a Service to a container's port is there."""
