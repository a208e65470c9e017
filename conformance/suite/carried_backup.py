"""A backup that is carried to another cluster: from one bucket into the other, by S3."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from conformance.suite.described import object_store_of

if TYPE_CHECKING:
    from conformance.platform.clients import Clients


def carry_backup(here: Clients, there: Clients, backup: str, namespaces: Iterable[str]) -> int:
    """Copy a backup of namespaces to another cluster, whose Velero has nothing to do.

    It returns when that Velero knows the backup: how many bytes were copied. Raises
    ``WaitTimeout``, ``minio.error.S3Error``.
    """
    velero = here.velero()
    volumes = velero.volumes(velero.finished("Backup", backup))
    objects = (f"backups/{backup}/", *(f"kopia/{one}/" for one in namespaces))
    copied = object_store_of(here).copy_to(object_store_of(there), *objects)
    there.velero().look_now()
    there.velero().synced(backup, volumes=len(volumes))
    return copied
