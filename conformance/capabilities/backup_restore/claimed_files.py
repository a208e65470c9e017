"""A claim with files of many owners and one with holes, backed up, lost and restored."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.apps import tree
from conformance.apps.loss import lose
from conformance.kube.conditions import matching, ready
from conformance.kube.execution import execute
from conformance.kube.objects import Object, Ref
from conformance.kube.wait import wait

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.kube.client import Kube
    from conformance.services.velero import Velero

MANIFEST = Path(__file__).with_name("files.yaml")
SPARSE_BYTES = 64 * 1024 * 1024
"""Of the file with holes; a sixteenth of it is data."""
_DATA = "/data"
_NAME = "files"
"""Of the claim, the pod, and a folder in the claim."""
_FILES = 40


@dataclass(frozen=True)
class Contents:
    """What is in the claim."""

    files: tree.Manifest
    """Path -> type, mode, owners, size and content."""
    sparse: int
    """Bytes that the file with holes takes on the disk."""
    dense: int
    """Bytes that the file without any takes, a sixteenth as large."""


@dataclass(frozen=True)
class ClaimedFiles:
    """A claim in a namespace of its own, and the pod of root in which its files are seen."""

    kube: Kube
    velero: Velero
    namespace: str

    def fill(self) -> Contents:
        """Put files of every kind into the claim: owners, modes, links, names, holes."""
        self._wait()
        tree.grow(self._run, f"{_DATA}/{_NAME}", seed=1, files=_FILES)
        tree.make_sparse(self._run, _DATA, SPARSE_BYTES)
        return self.contents()

    def contents(self) -> Contents:
        """Return what is in the claim now."""
        paths = [f"{_DATA}/sparse", f"{_DATA}/dense"]
        room = tree.room(self._run, *paths)
        files = tree.describe(self._run, _DATA, [_NAME, "sparse", "dense"])
        return Contents(files, *(room[path] for path in paths))

    def back_up(self) -> Object:
        """Back up the namespace; return the Backup, completed, with the volume."""
        self.velero.back_up(self.namespace, namespaces=[self.namespace])
        return self.velero.completed("Backup", self.namespace)

    def lose(self) -> list[str]:
        """Delete pod and claim; return what of them and of the volume is there nevertheless."""
        claim = Ref("v1", "PersistentVolumeClaim", _NAME, self.namespace)
        return lose(self.kube, [self._pod, claim], [self.kube.get(*claim)])

    def restore(self) -> Object:
        """Restore them with their holes, to a final phase; return the Restore."""
        self.velero.restore(self.namespace, self.namespace, sparse=True)
        restore = self.velero.finished("Restore", self.namespace)
        self._wait()
        return restore

    def restore_into(self, namespace: str, room: str) -> Object:
        """Restore into a namespace whose claims may have ``room`` in all; return the Restore."""
        metadata = {"name": "room", "namespace": namespace}
        spec = {"hard": {"requests.storage": room}}
        quota = Ref("v1", "ResourceQuota", "room", namespace)
        body = {"apiVersion": "v1", "kind": quota.kind, "metadata": metadata, "spec": spec}
        self.kube.create(body)
        # Until its controller has looked, the quota refuses everything, for another reason.
        wait(self.kube, quota, matching("in force", lambda item: bool(item["status"]["hard"])))
        mapping = {self.namespace: namespace}
        self.velero.restore(namespace, self.namespace, mapping=mapping)
        return self.velero.finished("Restore", namespace)

    def alter(self) -> frozenset[str]:
        """Give one file another owner, and invert a byte of another; return their paths."""
        self._run(["chown", "4242:4242", f"{_DATA}/dense"], b"")
        tree.alter(self._run, f"{_DATA}/sparse")
        return frozenset({"dense", "sparse"})

    @property
    def _pod(self) -> Ref:
        return Ref("v1", "Pod", _NAME, self.namespace)

    def _wait(self) -> None:
        wait(self.kube, self._pod, ready())

    def _run(self, argv: Sequence[str], stdin: bytes) -> bytes:
        return execute(self.kube, self.namespace, _NAME, argv, stdin=stdin).check().stdout
