"""What Velero knows of the backups in a location: it finds them there, and can be made to forget.

https://velero.io/docs/v1.18/how-velero-works/#object-storage-sync
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.kube.conditions import deleted, matching
from conformance.kube.objects import Ref, Selection
from conformance.kube.wait import Wait, wait, wait_all
from conformance.services.velero import API_VERSION, BACKUP_NAME

if TYPE_CHECKING:
    from conformance.kube.client import Kube
    from conformance.services.velero import Velero

STORAGE_LOCATION = "velero.io/storage-location"
"""Label that names the location of a Backup or of a BackupRepository."""
REPOSITORY = "BackupRepository"
"""Kind of what Velero knows of the volumes of one namespace in one location."""


def listed(kube: Kube, velero: Velero, location: str) -> list[str]:
    """Wait until Velero has looked which backups are in a location; return their names.

    It looks once a minute. One that another cluster has begun and not ended is not listed:
    https://github.com/vmware-tanzu/velero/blob/v1.18.1/pkg/controller/backup_sync_controller.go
    Raises ``WaitTimeout``.
    """
    looked = matching("searched for backups", lambda item: "lastSyncedTime" in item["status"])
    which = Ref(API_VERSION, "BackupStorageLocation", location, velero.namespace)
    wait(kube, which, looked, timeout=kube.timeouts.velero_by_itself)
    found = kube.list(
        API_VERSION, "Backup", velero.namespace, labels=f"{STORAGE_LOCATION}={location}"
    )
    return [item["metadata"]["name"] for item in found]


def forget(kube: Kube, velero: Velero, location: str) -> None:
    """Delete a location and all that Velero knows of the backups in it; the store keeps them.

    None of them may be going on. Returns when nothing of them is there. Raises ``WaitTimeout``.
    """
    namespace, labels = velero.namespace, f"{STORAGE_LOCATION}={location}"
    velero.delete("BackupStorageLocation", location)
    waits = []
    for item in kube.list(API_VERSION, "Backup", namespace, labels=labels):
        name = item["metadata"]["name"]
        volumes = Selection(API_VERSION, "PodVolumeBackup", namespace, f"{BACKUP_NAME}={name}")
        velero.delete("Backup", name)
        waits += [Wait(Ref(API_VERSION, "Backup", name, namespace), deleted())]
        waits += [Wait(volumes, deleted())]
    for item in kube.list(API_VERSION, REPOSITORY, namespace, labels=labels):
        velero.delete(REPOSITORY, item["metadata"]["name"])
    wait_all(kube, waits, timeout=kube.timeouts.deletion)
