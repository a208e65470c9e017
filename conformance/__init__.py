"""Stackspin conformance suite.

It brings up a cluster, installs Stackspin through Flux and verifies each capability.

One way through the code: settings -> components -> clusters -> services -> capabilities -> report.
"""
