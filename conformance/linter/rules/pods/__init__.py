"""Whether Kubernetes takes an app's pods, and what they need is there for them to start."""
