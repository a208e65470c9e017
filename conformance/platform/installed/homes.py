"""The namespaces that a run makes for itself on a platform of others."""

RUN = "stackspin-conformance-run"
"""Of its Git server, of its Flux objects and of the ledger: in place of Flux's own namespace."""
APPS = "stackspin-conformance-apps"
"""In place of that of apps."""
BOTH = (RUN, APPS)
