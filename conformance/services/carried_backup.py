"""A backup that is carried to another cluster: from one bucket into the other, by S3."""

from __future__ import annotations

from collections.abc import Iterable

from conformance.kube.client import Kube
from conformance.services.object_store import ObjectStore
from conformance.services.velero import Velero


def carry_backup(here: Kube, there: Kube, backup: str, namespaces: Iterable[str]) -> int:
    """Copy a backup of namespaces to another cluster; returns when Velero there knows it.

    Returns how many bytes were copied. Raises ``WaitTimeout``, ``minio.error.S3Error``.
    """
    velero = Velero(here)
    volumes = velero.volumes(velero.finished("Backup", backup))
    objects = (f"backups/{backup}/", *(f"kopia/{one}/" for one in namespaces))
    copied = ObjectStore(here).copy_to(ObjectStore(there), *objects)
    Velero(there).synced(backup, volumes=len(volumes))
    return copied
