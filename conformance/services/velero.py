"""Velero's custom resources: back up, restore, schedule, delete, and read what became of it.

Nothing here but the Kubernetes API: what the suite does, a dashboard or kubectl can do. Only what
went wrong is read from the store, where that is known.
https://velero.io/docs/v1.18/api-types/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from conformance.kube.client import Kube
from conformance.kube.conditions import Condition, deleted, exists, matching, phase
from conformance.kube.logs import wait_for_line
from conformance.kube.objects import Object, Ref, Selection
from conformance.kube.pods import replace_pods
from conformance.kube.wait import WaitTimeout, wait, wait_each
from conformance.services.velero_agents import agents_in
from conformance.services.velero_errors import errors_of

if TYPE_CHECKING:
    from conformance.services.object_store import ObjectStore

API_VERSION = "velero.io/v1"
BACKUP_NAME = "velero.io/backup-name"
RESTORE_NAME = "velero.io/restore-name"
SCHEDULE_NAME = "velero.io/schedule-name"
"""Labels by which Velero says to what an object belongs."""
WAIT_CONTAINER = "restore-wait"
"""Name of the init container that Velero gives a pod whose volumes are to be restored."""
FORGOTTEN = "Batch deleted snapshots"
"""With the ids of snapshots in Velero's log: their data was deleted from the store."""
COMPLETED = "Completed"
FINAL = (COMPLETED, "PartiallyFailed", "Failed", "FailedValidation")
"""Phases of a Backup or Restore in which nothing happens to it any more."""


@dataclass(frozen=True)
class PodVolume:
    """The backup or the restore of one volume of one pod."""

    namespace: str
    pod: str
    volume: str
    """The volume's name in the pod."""
    phase: str
    message: str
    bytes: int
    snapshot: str
    """Of a backup: the id of the snapshot with its data."""


class Velero:
    """A typed client for Velero's objects, within ``kube.timeouts``; it makes them with ``labels``.

    Backups that a Schedule makes have its labels, too.
    """

    def __init__(
        self,
        kube: Kube,
        namespace: str,
        location: str,
        server: Selection,
        labels: Mapping[str, str],
        store: ObjectStore | None = None,
    ) -> None:
        """``store``: what is behind the location, if that is known; errors are read from there."""
        self._kube = kube
        self._store = store
        self._labels = dict(labels)
        self.namespace = namespace
        """Where Velero and all its objects are."""
        self.location = location
        """The BackupStorageLocation that backups are kept in unless another one is named."""
        self.server = server
        """The pod that is Velero itself."""

    def back_up(
        self,
        name: str,
        *,
        namespaces: Sequence[str],
        labels: Mapping[str, str] | None = None,
        location: str | None = None,
        ttl: str = "24h",
    ) -> None:
        """Make a Backup of namespaces, or of what has ``labels`` in them; see ``finished``."""
        spec: Object = {
            "includedNamespaces": list(namespaces),
            "storageLocation": location or self.location,
            "ttl": ttl,
            "snapshotVolumes": False,
        }
        if labels:
            spec["labelSelector"] = {"matchLabels": dict(labels)}
        self._create("Backup", name, spec)

    def back_up_as(self, schedule: Object, name: str) -> None:
        """Make the Backup that a Schedule would make now; see ``finished``."""
        self._create("Backup", name, schedule["spec"]["template"])

    def schedules(self) -> list[Object]:
        """Return the Schedules that the platform has, not those that the suite made."""
        every = self._kube.list(API_VERSION, "Schedule", self.namespace)
        mine = self._labels.keys()
        return [one for one in every if not mine & (one["metadata"].get("labels") or {}).keys()]

    def restore(
        self,
        name: str,
        backup: str,
        *,
        mapping: Mapping[str, str] | None = None,
        included: Sequence[str] = (),
        excluded: Sequence[str] = (),
        selector: Object | None = None,
        existing: Literal["none", "update"] | None = None,
        sparse: bool = False,
    ) -> None:
        """Make a Restore of all of a backup but the resources ``excluded``; see ``finished``.

        ``mapping``: namespace in the backup -> namespace to restore into. With ``included``, no
        other resources are restored; with ``selector``, only what its labels select. ``existing``
        says what becomes of objects that are there (None: Velero's default, they stay as they are);
        ``sparse`` has zeros in files take no room on the disk.
        https://velero.io/docs/v1.18/restore-reference/
        """
        spec: Object = {"backupName": backup, "excludedResources": list(excluded)}
        if selector:
            spec["labelSelector"] = selector
        if included:
            spec["includedResources"] = list(included)
        if mapping:
            spec["namespaceMapping"] = dict(mapping)
        if existing:
            spec["existingResourcePolicy"] = existing
        if sparse:
            spec["uploaderConfig"] = {"writeSparseFiles": True}
        self._create("Restore", name, spec)

    def finished(self, kind: Literal["Backup", "Restore"], name: str) -> Object:
        """Wait until a backup or restore is in a final phase, whichever; return it.

        ``WaitTimeout`` also says which volumes it waits for, and whether anybody copies them.
        """
        try:
            return self._wait(phase(*FINAL), kind, name)
        except WaitTimeout as error:
            more = self._unfinished({"kind": kind, "metadata": {"name": name}})
            raise WaitTimeout("\n  ".join([str(error), *more])) from error

    def completed(self, kind: Literal["Backup", "Restore"], name: str) -> Object:
        """Wait as ``finished``; AssertionError, with all that is known, unless it is Completed."""
        item = self.finished(kind, name)
        if item["status"]["phase"] != COMPLETED:
            raise AssertionError(self.explain(item))
        return item

    def explain(self, item: Object) -> str:
        """Return what Velero says of a backup or restore, as lines of text."""
        kind, name, status = item["kind"], item["metadata"]["name"], item.get("status", {})
        counts = f"{status.get('errors', 0)} errors, {status.get('warnings', 0)} warnings"
        lines = [f"{kind} {name} is {status.get('phase')}: {counts}"]
        lines += [status["failureReason"]] if "failureReason" in status else []
        lines += status.get("validationErrors", ())
        if self._store and status.get("phase") == "PartiallyFailed":
            lines += errors_of(self._store, item)
        return "\n  ".join([*lines, *self._incomplete(item)])

    def volumes(self, item: Object) -> list[PodVolume]:
        """Return the volumes that a Backup copied, or a Restore brought back, or tried to."""
        backup = item["kind"] == "Backup"
        kind = "PodVolumeBackup" if backup else "PodVolumeRestore"
        labels = f"{BACKUP_NAME if backup else RESTORE_NAME}={item['metadata']['name']}"
        found = self._kube.list(API_VERSION, kind, self.namespace, labels=labels)
        return [_pod_volume(one) for one in found]

    def make_location(
        self, name: str, *, like: str | None = None, credential: str | None = None, **changes: str
    ) -> None:
        """Make a BackupStorageLocation: a copy of another one with other ``bucket``, ``prefix``.

        ``credential`` is a Secret whose key ``cloud`` has the S3 credentials.
        """
        other = Ref(API_VERSION, "BackupStorageLocation", like or self.location, self.namespace)
        spec: Object = self._kube.get(*other)["spec"]
        spec.pop("default", None)
        spec["objectStorage"] = {**spec["objectStorage"], **changes}
        if credential:
            spec["credential"] = {"name": credential, "key": "cloud"}
        self._create("BackupStorageLocation", name, spec)

    def location_is(
        self,
        wanted: Literal["Available", "Unavailable"],
        name: str,
        *,
        timeout: float | None = None,
    ) -> Object:
        """Wait until a location is Available, or is not; return it.

        ``timeout`` is in seconds; None is the client's for a location.
        """
        timeout = timeout or self._kube.timeouts.backup_location
        return self._wait(phase(wanted), "BackupStorageLocation", name, timeout)

    def location_looked_at(self, name: str, secret: str) -> None:
        """Wait until Velero has looked at a location with the Secret that it names.

        Velero reads Secrets from a cache, which may get a new one after the location that names it;
        then it says that there is none, and looks again at its next turn.
        """
        looked = matching(
            f"looked at with Secret {secret}",
            lambda item: (
                "phase" in (status := item.get("status", {}))
                and f'"{secret}" not found' not in status.get("message", "")
            ),
        )
        self._wait(looked, "BackupStorageLocation", name, self._kube.timeouts.backup_location)

    def location_found_again(self, name: str) -> None:
        """Wait until Velero has looked at a location again, and found it Available.

        After the store was away: until that look, Velero's word is about the time before.
        """
        location = ("BackupStorageLocation", name)
        item = self._kube.get(API_VERSION, *location, self.namespace)
        before = item["status"].get("lastValidationTime")
        again = matching(
            f"looked at after {before}", lambda item: item["status"]["lastValidationTime"] != before
        )
        self._wait(again & phase("Available"), *location, self._kube.timeouts.backup_location)

    def look_now(self) -> None:
        """Have Velero look which backups its locations have: it does when it starts.

        Else it looks once a minute. It must have nothing to do: what is going on when it ends has
        failed when it starts. Returns when it has started. Raises ``WaitTimeout``.
        """
        replace_pods(self._kube, [self.server])

    def synced(self, backup: str, *, volumes: int) -> None:
        """Wait until Velero has found a backup of another cluster in the store, and its volumes.

        It makes the PodVolumeBackups, one after the other, after the Backup: a Restore takes those
        that are there when it begins for all.
        """
        self._wait(phase(*FINAL), "Backup", backup, self._kube.timeouts.velero_by_itself)
        which = self._volumes_of(backup)
        wait_each(self._kube, which, exists(), timeout=self._kube.timeouts.backup, minimum=volumes)

    def make_schedule(
        self, name: str, *, cron: str, namespaces: Sequence[str], ttl: str = "24h"
    ) -> None:
        """Make a Schedule of backups of namespaces."""
        template = {"includedNamespaces": list(namespaces), "ttl": ttl, "snapshotVolumes": False}
        self._create("Schedule", name, {"schedule": cron, "template": template})

    def scheduled(self, schedule: str) -> Object:
        """Wait until a schedule has made a backup and that is in a final phase; return it."""
        made = Selection(API_VERSION, "Backup", self.namespace, f"{SCHEDULE_NAME}={schedule}")
        return wait_each(
            self._kube, made, phase(*FINAL), timeout=self._kube.timeouts.velero_by_itself
        )[0]

    def expired(self, backup: str, *, ttl: float) -> None:
        """Wait until a backup that is kept for ``ttl`` seconds is deleted, its volumes' too."""
        self._wait(deleted(), "Backup", backup, ttl + self._kube.timeouts.velero_by_itself)
        wait_each(
            self._kube, self._volumes_of(backup), deleted(), timeout=self._kube.timeouts.backup
        )

    def wait_forgotten(self, *snapshots: str) -> None:
        """Wait until Velero says, in its log, that it has deleted each snapshot from the store."""
        [pod] = self._kube.list(*self.server)
        for snapshot in snapshots:
            wait_for_line(
                self._kube,
                self.namespace,
                pod["metadata"]["name"],
                FORGOTTEN,
                snapshot,
                container="velero",
            )

    def delete(self, kind: str, name: str) -> None:
        """Delete an object; of a Backup, Velero would make it again from the store."""
        self._kube.delete(API_VERSION, kind, name, self.namespace)

    def _unfinished(self, item: Object) -> list[str]:
        volumes = self._incomplete(item)
        return [*volumes, *(agents_in(self._kube, self.namespace) if volumes else ())]

    def _incomplete(self, item: Object) -> list[str]:
        return [
            f"volume {one.volume} of pod {one.pod} is {one.phase}: {one.message or 'no message'}"
            for one in self.volumes(item)
            if one.phase != COMPLETED
        ]

    def _volumes_of(self, backup: str) -> Selection:
        """Return which PodVolumeBackups belong to a backup."""
        labels = f"{BACKUP_NAME}={backup}"
        return Selection(API_VERSION, "PodVolumeBackup", self.namespace, labels)

    def _create(self, kind: str, name: str, spec: Object) -> None:
        metadata = {"name": name, "namespace": self.namespace, "labels": self._labels}
        self._kube.create(
            {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}
        )

    def _wait(
        self, condition: Condition, kind: str, name: str, timeout: float | None = None
    ) -> Object:
        which = Ref(API_VERSION, kind, name, self.namespace)
        return wait(self._kube, which, condition, timeout=timeout or self._kube.timeouts.backup)


def waits_for_data() -> Condition:
    """A restored pod is held back by Velero's init container until its volumes are restored."""

    def test(pod: Object) -> bool:
        states = {one["name"]: one["state"] for one in pod["status"]["initContainerStatuses"]}
        return "running" in states[WAIT_CONTAINER]

    return matching("waiting for its volumes' data", test)


def seconds_taken(item: Object) -> float:
    """Return the seconds from the start to the end of a backup or restore, as Velero tells them."""
    began, ended = (
        datetime.fromisoformat(item["status"][key])
        for key in ("startTimestamp", "completionTimestamp")
    )
    return (ended - began).total_seconds()


def _pod_volume(item: Object) -> PodVolume:
    status = item.get("status", {})
    return PodVolume(
        namespace=item["spec"]["pod"]["namespace"],
        pod=item["spec"]["pod"]["name"],
        volume=item["spec"]["volume"],
        phase=status.get("phase", "New"),
        message=status.get("message", ""),
        bytes=status.get("progress", {}).get("bytesDone", 0),
        snapshot=status.get("snapshotID", ""),
    )
