"""Flux's helm-controller, killed as the kernel kills it when memory is short."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.clusters.containers import sigkill
from conformance.kube.conditions import ready

if TYPE_CHECKING:
    from conformance.clusters.base import Cluster
    from conformance.kube.client import Kube

LABELS = "app=helm-controller"
"""Of its pods, in Flux's own manifests."""


@dataclass(frozen=True)
class HelmController:
    """The controller that upgrades apps; ``Feature.NODE_SHELL``."""

    kube: Kube
    cluster: Cluster
    namespace: str

    def kill(self) -> None:
        """SIGKILL its process; does not wait until kubelet has started another.

        Deleting its pod would not do that: the controller is told, and ends in order.
        """
        pods = filter(ready().test, self.kube.list("v1", "Pod", self.namespace, LABELS))
        running = [status for pod in pods for status in pod["status"]["containerStatuses"]]
        assert running, f"no pod with {LABELS} is Ready in {self.namespace}"
        for status in running:
            sigkill(self.cluster, status)
