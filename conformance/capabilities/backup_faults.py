"""What goes wrong while a backup is made: broken on purpose, and put right again."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.apps.deployment import HelmDeployment
from conformance.kube.conditions import deleted, phase, rolled_out
from conformance.kube.wait import wait_for
from conformance.services.object_store import SERVICE as OBJECT_STORE
from conformance.services.velero import API_VERSION, BACKUP_NAME, LOCATION, NAMESPACE, Velero
from conformance.settings import Timeouts

Object = dict[str, Any]
NODE_AGENT = "role=node-agent"
MOVER = "velero.io/pod-volume-backup"
"""Label of the pods, one a volume, in which the node agent lets the volumes be copied."""
SERVER = "app.kubernetes.io/name=velero"
BALLAST = 200 * 1000 * 1000
"""Bytes that are new in every backup of the victim: it takes some seconds to copy them."""


@dataclass(frozen=True)
class Victim:
    """An app whose backups are interrupted."""

    deployment: HelmDeployment
    velero: Velero

    @property
    def namespace(self) -> str:
        """Where the app is."""
        return self.deployment.namespace

    def interrupted_backup(self, name: str, fault: str | None) -> Object:
        """Return a backup, in a final phase, with ``fault`` while it copied the app's volume.

        All is put right again afterwards. ``fault``: a key of ``faults``; None for none.
        """
        volume = self.deployment.app.volumes[0].mount_path
        self.deployment.instance.run(
            ["sh", "-c", f"head -c {BALLAST} /dev/urandom > {volume}/ballast"]
        )
        self.velero.back_up(name, namespaces=[self.namespace])
        self._wait_for_copying(name)
        with self.faults[fault]() if fault else contextlib.nullcontext():
            backup = self.velero.finished("Backup", name)
        self._wait_for_parts()
        return backup

    @property
    def faults(self) -> Mapping[str, Callable[[], contextlib.AbstractContextManager[None]]]:
        """What can go wrong, by name; each lasts as long as its context."""
        return {
            "store-down": self.store_down,
            "node-agent-killed": lambda: self._killed(NODE_AGENT, MOVER),
            "velero-killed": lambda: self._killed(SERVER),
        }

    @contextlib.contextmanager
    def store_down(self) -> Iterator[None]:
        """Have no object store."""
        self._scale_store(0)
        try:
            yield
        finally:
            self._scale_store(1)

    @contextlib.contextmanager
    def _killed(self, *selectors: str) -> Iterator[None]:
        """Kill all pods that the selectors select, with no time to say anything."""
        kube = self.deployment.kube
        for selector in selectors:
            for pod in kube.list("v1", "Pod", NAMESPACE, selector):
                kube.delete("v1", "Pod", pod["metadata"]["name"], NAMESPACE, grace_seconds=0)
        yield

    def _wait_for_copying(self, backup: str) -> None:
        labels = f"{BACKUP_NAME}={backup}"
        where = (API_VERSION, "PodVolumeBackup", None, NAMESPACE, labels)
        wait_for(self.deployment.kube, phase("InProgress"), *where, timeout=Timeouts.backup)

    def _wait_for_parts(self) -> None:
        for kind, name in (("Deployment", "velero"), ("DaemonSet", "node-agent")):
            wait_for(self.deployment.kube, rolled_out(), "apps/v1", kind, name, NAMESPACE)
        self.velero.location_is("Available", LOCATION)

    def _scale_store(self, replicas: int) -> None:
        kube, where = self.deployment.kube, ("apps/v1", "Deployment", OBJECT_STORE, NAMESPACE)
        kube.patch(*where, {"spec": {"replicas": replicas}})
        wait_for(kube, rolled_out(), *where)
        if replicas == 0:
            labels = f"app.kubernetes.io/name={OBJECT_STORE}"
            wait_for(kube, deleted(), "v1", "Pod", None, NAMESPACE, labels)
