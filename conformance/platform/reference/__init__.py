"""How Stackspin is installed: what Flux needs, then Flux, then everything else by Flux.

``Stack`` is the entry point; each of its levels is installed on first use.
"""

from conformance.platform.reference.described import reference_platform
from conformance.platform.reference.stack import App, Stack

__all__ = ["App", "Stack", "reference_platform"]
