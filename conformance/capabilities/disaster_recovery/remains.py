"""What a lost cluster has left of its backups, and what becomes of a recovery from that.

It takes no second cluster. An app is backed up to a location of its own. In the midst of the last
backup, what is in the bucket is copied: had the cluster been lost then, it would be all there is.
Then Velero forgets location and backups, as if it had been installed anew, and gets the copy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.services.velero_sync import forget, listed
from conformance.suite.backed_up_app import NO_INGRESS, is_released
from conformance.suite.background import Background
from conformance.suite.refused_location import refused_location

if TYPE_CHECKING:
    from conformance.apps.base import Seed
    from conformance.kube.objects import Object
    from conformance.services.object_store import ObjectStore
    from conformance.suite.backed_up_app import BackedUpApp

LITTLE = 2 * 1000 * 1000
"""Bytes that only the backup has that later lacks its data."""
MUCH = 80 * 1000 * 1000
"""Bytes that only the last backup has: its first piece, of 20 MB, is in the bucket while it
copies the others."""
FOLDER = "plugins"
"""Of the bucket, for the locations. Its name is one that Velero expects beside its own: with any
other, it would call the platform's own location Unavailable."""
NOTHING, WITHOUT_DATA, WHOLE = "nothing", "without-data", "whole"
"""What of the app is restored into a namespace."""


@dataclass(frozen=True)
class Attempt:
    """A restore that has ended."""

    phase: str
    told: str
    """All that Velero says of it."""
    app_runs: bool
    """Whether a restored pod goes on, and the app works with what it finds."""


@dataclass(frozen=True)
class Kept:
    """What is backed up before the loss."""

    seed: Seed
    """What was put into the app before the first backup."""
    volumes: Mapping[str, int]
    """Name of each complete backup -> how many volumes are in it."""
    doomed: frozenset[str]
    """Names of the objects with the data that only the incomplete backup has."""


@dataclass(frozen=True)
class Refusal:
    """A location that Velero cannot use, and a restore of a backup that is in it."""

    message: str
    """What the location says."""
    attempt: Attempt


class Remains:
    """Three backups of one app, and what is left of them, in the background.

    One is complete, one lacks the data that no other has, one was going on at the loss. ``store``
    is the bucket; ``namespaces`` are for what is restored: ``NOTHING``, ``WITHOUT_DATA``,
    ``WHOLE`` -> name.
    """

    def __init__(self, app: BackedUpApp, store: ObjectStore, namespaces: Mapping[str, str]) -> None:
        self.app = app
        self.complete, self.incomplete, self.unfinished = (
            f"{app.namespace}-{name}" for name in ("complete", "incomplete", "unfinished")
        )
        """Names of the backups."""
        self._before, self._after = f"{app.namespace}-before", f"{app.namespace}-after"
        self._bucket = _below(store, self._before)
        self._left = _below(store, self._after)
        self._namespaces = namespaces
        self._acts = Background()
        self._kept = self._acts.then(self._live)
        self._acts.then(self._lose)
        self.refused = self._acts.then(self._recover_with_wrong_credentials)
        """A recovery with credentials that the bucket refuses."""
        self.listed = self._acts.then(self._recover)
        """Names of the backups that Velero then finds, with the right ones."""
        self.of_unfinished = self._acts.then(lambda: self._restore(self.unfinished, NOTHING))
        self.of_complete = self._acts.then(lambda: self._restore(self.complete, WHOLE))
        self.without_data = self._acts.then(lambda: self._restore(self.incomplete, WITHOUT_DATA))
        self.without_objects = self._acts.then(self._restore_without_objects)
        """The same backup, which now lacks the list of its objects, too."""

    def end(self) -> None:
        """Let the present act be the last, and take away what they have made."""
        self._acts.end()
        for location in (self._before, self._after):
            forget(self.app.kube, self.app.velero, location)
        for store in (self._bucket, self._left):
            store.delete("")

    def verify_whole(self) -> None:
        """Raise ``DataDiffers`` unless what was restored of the complete backup has all data."""
        self.app.verify_copy(self._namespaces[WHOLE], self._kept.result().seed)

    def _live(self) -> Kept:
        self.app.velero.make_location(self._before, prefix=self._bucket.prefix)
        seed = self.app.install()
        self.app.velero.location_is("Available", self._before)
        volumes = {self.complete: self._back_up(self.complete)}
        before = self._bucket.objects(self._packs)
        self._write(LITTLE)
        volumes[self.incomplete] = self._back_up(self.incomplete)
        doomed = self._bucket.objects(self._packs).keys() - before.keys()
        return Kept(seed, volumes, frozenset(doomed))

    def _lose(self) -> None:
        """Have nothing but what is in the bucket while the last backup goes on."""
        kube, velero = self.app.kube, self.app.velero
        self._write(MUCH)
        before = sum(self._bucket.objects(self._packs).values())
        self._begin(self.unfinished)
        self._bucket.wait_for_more(self._packs, before, kube.timeouts.backup)
        self._bucket.copy_to(self._left, "")
        velero.finished("Backup", self.unfinished)
        assert not self._left.objects(f"backups/{self.unfinished}/"), (
            f"{self.unfinished} was over before it could be interrupted: MUCH is too little"
        )
        for name in self._kept.result().doomed:
            self._left.delete(name)
        forget(kube, velero, self._before)

    def _recover_with_wrong_credentials(self) -> Refusal:
        velero, prefix = self.app.velero, self._left.prefix
        with refused_location(self.app.kube, velero, self._after, prefix=prefix):
            location = velero.location_is("Unavailable", self._after)
            attempt = self._restore(self.complete, NOTHING, "refused")
        return Refusal(location["status"]["message"], attempt)

    def _recover(self) -> list[str]:
        velero = self.app.velero
        velero.make_location(self._after, prefix=self._left.prefix)
        velero.location_is("Available", self._after)
        found = listed(self.app.kube, velero, self._after)
        for backup, volumes in self._kept.result().volumes.items():
            velero.synced(backup, volumes=volumes)
        return found

    def _restore_without_objects(self) -> Attempt:
        self._left.delete(f"backups/{self.incomplete}/{self.incomplete}.tar.gz")
        return self._restore(self.incomplete, NOTHING, "objects")

    def _restore(self, backup: str, extent: str, hint: str = "") -> Attempt:
        """Restore a backup into the namespace for what can be restored of it."""
        kube, velero, namespace = self.app.kube, self.app.velero, self._namespaces[extent]
        name = "-".join(filter(None, (backup, hint)))
        mapping = {self.app.namespace: namespace}
        velero.restore(name, backup, mapping=mapping, excluded=NO_INGRESS)
        restore: Object = velero.finished("Restore", name)
        pods = self.app.pods_in(namespace)
        there = bool(kube.list(*pods))
        runs = there and (extent == WHOLE or is_released(kube, pods))
        return Attempt(restore["status"]["phase"], velero.explain(restore), runs)

    def _back_up(self, name: str) -> int:
        """Make a complete backup; return how many volumes are in it."""
        self._begin(name)
        return len(self.app.velero.volumes(self.app.velero.completed("Backup", name)))

    def _begin(self, name: str) -> None:
        namespaces = [self.app.namespace]
        self.app.velero.back_up(name, namespaces=namespaces, location=self._before)

    def _write(self, size: int) -> None:
        """Have a file of so many bytes in the app's volume; they are in no backup yet."""
        volume = self.app.deployment.app.volumes[0]
        file = f"{volume.mount_path}/ballast"
        command = ["sh", "-c", f"head -c {size} /dev/urandom > {file}"]
        self.app.deployment.instance.holding(volume).run(command)

    @property
    def _packs(self) -> str:
        """How names of objects begin that have the data of the app's volume."""
        return f"kopia/{self.app.namespace}/p"


def _below(store: ObjectStore, name: str) -> ObjectStore:
    """Return what is in the same bucket for a location with a prefix of its own."""
    prefix = "/".join(filter(None, (store.prefix, FOLDER, name)))
    return replace(store, prefix=prefix)
