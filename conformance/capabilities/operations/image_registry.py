"""The registry that the cluster's node pulls images from, out of the node's reach for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.clusters.node import REGISTRY_PORT

if TYPE_CHECKING:
    from conformance.clusters.base import Cluster

_CONNECTIONS = (
    *("INPUT", "--in-interface", "lo", "--protocol", "tcp", "--dport", str(REGISTRY_PORT)),
    *("--jump", "REJECT", "--reject-with", "tcp-reset"),
)
"""What the node itself asks of the registry, which is on it; the suite pushes from outside."""


@dataclass(frozen=True)
class ImageRegistry:
    """The registry on a node of the suite's own; ``Feature.NODE_SHELL``."""

    cluster: Cluster

    @contextmanager
    def unreachable(self) -> Iterator[None]:
        """Within the body, the node's connections to the registry are refused."""
        self._iptables("--insert")
        try:
            yield
        finally:
            self._iptables("--delete")

    def _iptables(self, change: str) -> None:
        answer = self.cluster.node_run(["iptables", "--wait", change, *_CONNECTIONS])
        assert answer.returncode == 0, answer.stderr.decode()
