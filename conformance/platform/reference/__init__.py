"""What is installed on a cluster: what Flux needs, Flux, and then everything else by Flux.

``Stack`` is the entry; each of its levels is installed when it is first asked for.
"""

from conformance.platform.reference.stack import App, Stack

__all__ = ["App", "Stack"]
