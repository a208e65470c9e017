"""What Kubernetes' and the pinned components' kinds look like: data, and what writes it."""
