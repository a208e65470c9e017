"""What goes wrong while a backup is made: broken on purpose, and put right again."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from conformance.apps.deployment import HelmDeployment
from conformance.kube.conditions import deleted, matching, phase, ready, rolled_out
from conformance.kube.logs import wait_for_line
from conformance.kube.objects import Object, Ref, Selection, label_selector
from conformance.kube.wait import Wait, wait, wait_all, wait_each
from conformance.services.object_store import ObjectStore
from conformance.services.velero import Velero

MOVER = "velero.io/pod-volume-backup"
"""Label of the pods, one a volume, in which the node agent lets the volumes be copied."""
GIVEN_UP = "unable to complete PutBlob"
"""In the log of such a pod when a piece of the volume could not be stored."""
BALLAST = 300 * 1000 * 1000
"""Bytes that are new in every backup of the victim: it takes some seconds to copy them."""


@dataclass(frozen=True)
class Victim:
    """An app whose backups are interrupted."""

    deployment: HelmDeployment
    velero: Velero
    node_agent: Selection
    """Velero's pods that copy volumes."""
    store: ObjectStore
    store_deployment: Ref
    """The store itself."""

    @property
    def namespace(self) -> str:
        """Where the app is."""
        return self.deployment.namespace

    def interrupted_backup(self, name: str, fault: str) -> tuple[Object, int]:
        """Return a backup, in a final phase, with ``fault`` while it copied the app's volume.

        Also returns how many bytes of ``BALLAST`` were in the store before. All is put right again
        afterwards. ``fault`` is a key of ``faults``.
        """
        packs = f"kopia/{self.namespace}/p"
        before = sum(self.store.objects(packs).values())
        with self._ballast():
            self.velero.back_up(name, namespaces=[self.namespace])
            # Velero tells how far it is every 10 s, and says InProgress before it has begun.
            timeout = self.deployment.kube.timeouts.backup
            copied = self.store.wait_for_more(packs, before, timeout) - before
            self.faults[fault]()
            backup = self.velero.finished("Backup", name)
        self._wait_for_parts()
        return backup, copied

    @property
    def faults(self) -> Mapping[str, Callable[[], None]]:
        """What can go wrong, by name."""
        return {
            "store-down": self._lose_store,
            "node-agent-killed": lambda: self._kill(self.node_agent, self._movers),
            "velero-killed": lambda: self._kill(self.velero.server),
        }

    @contextlib.contextmanager
    def store_down(self) -> Iterator[None]:
        """Have no object store; afterwards Velero has found it again."""
        self._scale_store(0)
        try:
            yield
        finally:
            self._scale_store(1)
            self.velero.location_found_again(self.velero.location)

    @contextlib.contextmanager
    def _ballast(self) -> Iterator[None]:
        """Have a large file, of bytes that are in no backup yet, in the app's volume."""
        path = f"{self.deployment.app.volumes[0].mount_path}/ballast"
        self.deployment.instance.run(["sh", "-c", f"head -c {BALLAST} /dev/urandom > {path}"])
        yield
        self.deployment.instance.run(["rm", path])

    def _lose_store(self) -> None:
        """Have no object store until a piece of the volume is given up: after 100 s of trying.

        It would take as long with every other piece, and there are dozens.
        """
        kube = self.deployment.kube
        leaves = matching("being deleted", lambda pod: "deletionTimestamp" in pod["metadata"])
        copying = phase("Running") & ~leaves
        # That of an earlier backup may be on its way out still.
        movers = wait_each(kube, self._movers, copying)
        name = movers[0]["metadata"]["name"]
        with self.store_down():
            wait_for_line(kube, self.velero.namespace, name, GIVEN_UP, timeout=kube.timeouts.backup)

    @property
    def _movers(self) -> Selection:
        return Selection("v1", "Pod", self.velero.namespace, MOVER)

    def _kill(self, *selections: Selection) -> None:
        """Kill pods without a grace period."""
        kube = self.deployment.kube
        for each in selections:
            for pod in kube.list(*each):
                kube.delete("v1", "Pod", pod["metadata"]["name"], each.namespace, grace_seconds=0)

    def _wait_for_parts(self) -> None:
        # Of a pod that was killed, its Deployment's status may not tell yet: pods themselves do.
        pods = (self.velero.server, self.node_agent)
        wait_all(self.deployment.kube, [Wait(each, ready()) for each in pods])
        self.velero.location_is("Available", self.velero.location)

    def _scale_store(self, replicas: int) -> None:
        kube, store = self.deployment.kube, self.store_deployment
        kube.patch(*store, {"spec": {"replicas": replicas}})
        rolled = wait(kube, store, rolled_out())
        if replicas == 0:
            labels = label_selector(rolled["spec"]["selector"]["matchLabels"])
            wait_each(kube, Selection("v1", "Pod", store.namespace, labels), deleted())
