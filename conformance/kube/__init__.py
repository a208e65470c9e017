"""The Kubernetes API: client, watch-based waiting, exec, diagnostics, redaction."""
