"""An app that fills the node's disk is stopped before the node, and whoever shares the disk, stops.

A volume of local-path is a folder on that disk: what its claim asks for limits nothing. kubelet's
own remedy, the eviction of pods, knows nothing of such volumes and would end others.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from decimal import Decimal

from conformance.clusters.base import Cluster, Feature
from conformance.common.errors import HarnessError
from conformance.kube.client import Kube
from conformance.kube.errors import ApiError, NotFound, Unreachable
from conformance.kube.inventory import ref_of
from conformance.kube.objects import Object, Objects, Ref
from conformance.linter.facts.changes import quantity
from conformance.services.flux import Flux

_LOOK = 2.0
"""Seconds between looks; at a gigabyte a second, a disk with a few free ones is full then."""
_NOTEWORTHY = 256 * 1024**2
"""Bytes by which free space has shrunk since the volumes were measured: they are once more."""
_LEEWAY = 512 * 1024**2
"""Bytes that a volume may have beyond twice what its claim asks for."""
_MIB = 1024**2
_RUNS = ("CronJob", "DaemonSet", "Deployment", "Job", "Pod", "ReplicaSet", "StatefulSet")
_FREE = "df --output=avail --block-size=1 /var/lib | tail -n 1"


class DiskGuard:
    """Watches the volumes of one app on the disk of the only node."""

    def __init__(
        self, cluster: Cluster, kube: Kube, claims: Callable[[], Objects], stop: Callable[[], None]
    ) -> None:
        """``claims`` are the app's now; ``stop`` ends its pods for good."""
        self._cluster = cluster
        self._kube = kube
        self._claims = claims
        self._stop = stop
        self._measured_at = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="disk-guard", daemon=True)
        self._told = False
        self.reason = ""
        """Why the app was stopped, with what to do; empty: it was not."""

    def begin(self) -> None:
        """Watch from now on, where the node's disk can be looked at."""
        if Feature.BYTES_ON_DISK in self._cluster.features:
            self._measured_at = self._free()
            self._thread.start()

    def end(self) -> None:
        """Watch no longer."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def tells(self) -> bool:
        """Whether the app was stopped and nobody has been told yet; the first who asks is told."""
        told, self._told = self._told, self._told or bool(self.reason)
        return self._told and not told

    def excess(self) -> str:
        """Return what is wrong with the app's volumes, with what to do; empty: nothing."""
        free = self._free()
        if self._measured_at - free < _NOTEWORTHY:
            self._measured_at = max(free, self._measured_at)
            return ""
        self._measured_at = free
        for claim in self._claims():
            asked = _asked(claim)
            used = self._used(claim)
            if used > 2 * asked + _LEEWAY:
                name = claim["metadata"]["name"]
                return (
                    f"the app was stopped, as it fills the node's disk: its claim {name} asks for"
                    f" {_size(asked)} and holds {_size(used)}\n"
                    "  To do: Have the app bound what it keeps, or ask for what it needs: nothing"
                    " on Stackspin keeps a volume from filling the disk of all apps."
                )
        return ""

    def _watch(self) -> None:
        while not self.reason and not self._ended.wait(_LOOK):
            # While the node is down, nothing writes.
            with suppress(HarnessError, ApiError, Unreachable):
                self.reason = self.excess()
        while self.reason and not self._ended.is_set():
            with suppress(ApiError, Unreachable):
                self._stop()
                return
            self._ended.wait(_LOOK)

    def _free(self) -> int:
        return int(self._run("sh", "-c", _FREE) or 0)

    def _used(self, claim: Object) -> int:
        """Return the bytes that a claim's volume takes; 0 of one that is not on the node."""
        name = (claim.get("spec") or {}).get("volumeName")
        volume = self._kube.find("v1", "PersistentVolume", name) if name else None
        spec = (volume or {}).get("spec", {})
        path = (spec.get("local") or spec.get("hostPath") or {}).get("path")
        told = self._run("du", "--summarize", "--block-size=1", path) if path else ""
        return int((told.split() or ["0"])[0])

    def _run(self, *argv: str) -> str:
        return self._cluster.node_run(argv).stdout.decode(errors="replace").strip()


def stop_app(kube: Kube, flux: Flux, of_flux: Iterable[Ref], made: Objects) -> None:
    """End an app's pods for good: neither Flux nor Kubernetes brings any back."""
    for one in of_flux:
        with suppress(NotFound):
            flux.suspend(one.kind, one.name, str(one.namespace))
    for item in made:
        if item["kind"] in _RUNS:
            kube.delete(*ref_of(item), grace_seconds=0)


def _asked(claim: Object) -> int:
    requests = claim["spec"].get("resources", {}).get("requests", {})
    return int(quantity(requests.get("storage")) or Decimal(0))


def _size(number: int) -> str:
    return f"{number / _MIB:.0f} MiB"
