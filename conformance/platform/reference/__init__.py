"""How Stackspin is installed: what Flux needs, then Flux, then everything else by Flux.

``ReferenceStack`` is the entry point; each of its levels is installed on first use.
"""

from conformance.platform.reference.described import reference_platform
from conformance.platform.reference.stack import ReferenceStack

__all__ = ["ReferenceStack", "reference_platform"]
