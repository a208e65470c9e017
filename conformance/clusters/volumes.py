"""Volumes as folders on the node's disk; for providers with ``Feature.BYTES_ON_DISK``."""

from __future__ import annotations

from conformance.kube.objects import Object


def path_on_node(volume: Object) -> str:
    """Return the folder of a PersistentVolume on the node. Raises ``KeyError`` if it has none."""
    source = volume["spec"].get("local") or volume["spec"]["hostPath"]
    return str(source["path"])
