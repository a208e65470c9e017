"""Containers on a node, from outside of Kubernetes; for providers with ``Feature.NODE_SHELL``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.clusters.base import Cluster


def sigkill(cluster: Cluster, status: Mapping[str, Any]) -> None:
    """SIGKILL a container's first process, as the kernel does when memory is short.

    ``status`` is its containerStatus. Raises ``AssertionError`` with what containerd says if it
    cannot.
    """
    container = status["containerID"].rpartition("/")[2]
    kill = ["ctr", "--namespace=k8s.io", "tasks", "kill", "--signal=SIGKILL", container]
    answer = cluster.node_run(kill)
    if answer.returncode != 0:
        raise AssertionError(answer.stderr.decode())
