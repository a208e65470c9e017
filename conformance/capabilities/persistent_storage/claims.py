"""A claim with known bytes on its volume, as the API and the node's disk have them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from conformance.clusters.volumes import path_on_node
from conformance.kube.conditions import Condition, deleted, exists, phase, ready
from conformance.kube.logs import wait_for_line
from conformance.kube.objects import Object, Ref, Selection
from conformance.kube.wait import wait, wait_each

if TYPE_CHECKING:
    from conformance.clusters.base import Cluster
    from conformance.kube.client import Kube


@dataclass(frozen=True)
class ClaimedBytes:
    """A claim, and a pod that wrote known bytes to it."""

    kube: Kube
    cluster: Cluster
    namespace: str

    def bound(self) -> Object:
        """Return the volume once the claim is bound and the bytes are written."""
        claim = self._wait(
            phase("Bound"), "PersistentVolumeClaim", "bytes", self.kube.timeouts.volume_bound
        )
        self._wait(ready(), "Pod", "writer")
        return self.kube.get("v1", "PersistentVolume", claim["spec"]["volumeName"])

    def written(self) -> str:
        """Return the SHA-256 of the bytes as the pod logged it."""
        return wait_for_line(self.kube, self.namespace, "writer", "  -").split()[0]

    def on_disk(self, volume: Object) -> str | None:
        """Return the SHA-256 of the bytes on the node's disk, None if they are not there."""
        answer = self.cluster.node_run(["cat", f"{path_on_node(volume)}/bytes"])
        return hashlib.sha256(answer.stdout).hexdigest() if answer.returncode == 0 else None

    def release(self) -> None:
        """Delete the pod and then the claim, and wait until both are gone."""
        for kind, name in (("Pod", "writer"), ("PersistentVolumeClaim", "bytes")):
            self.kube.delete("v1", kind, name, self.namespace, grace_seconds=0)
            self._wait(deleted(), kind, name)

    def explanation(self) -> str:
        """Return the cluster's explanation of why the claim is not fulfilled."""
        fields = "involvedObject.name=bytes,reason=ProvisioningFailed"
        failures = Selection("v1", "Event", self.namespace, fields=fields)
        events = wait_each(self.kube, failures, exists(), timeout=self.kube.timeouts.volume_bound)
        return "\n".join(event["message"] for event in events)

    def _wait(
        self, condition: Condition, kind: str, name: str, timeout: float | None = None
    ) -> Object:
        timeout = timeout or self.kube.timeouts.volume_reclaimed
        return wait(self.kube, Ref("v1", kind, name, self.namespace), condition, timeout=timeout)


class ClaimBytes(Protocol):
    """Creates a claim of the platform's storage class, and a pod that writes to its volume."""

    def __call__(
        self, *, retained: bool = False, access_mode: str = "ReadWriteOnce"
    ) -> ClaimedBytes:
        """Return the two, as soon as the API has them; ``retained``: of the other class."""
