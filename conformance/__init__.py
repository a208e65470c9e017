"""Stackspin conformance suite: brings up a cluster, installs Stackspin through Flux, verifies each capability.

One way through the code: settings -> components -> clusters -> services -> capabilities -> report.
"""
