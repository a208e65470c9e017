"""What runs have made or changed on a platform of others, found by its label: removed, put back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import suppress

import requests

from conformance.kube.client import Kube
from conformance.kube.conditions import deleted, phase
from conformance.kube.errors import ApiError, NotFound
from conformance.kube.inventory import ref_of
from conformance.kube.objects import Object, Objects
from conformance.kube.wait import Wait, WaitFailed, wait_all
from conformance.platform import changes, conventions
from conformance.platform.clients import Clients
from conformance.platform.discovery.cluster import name_of
from conformance.platform.installed import homes
from conformance.platform.namespaces import RUN_LABEL
from conformance.services.flux import API_VERSIONS
from conformance.services.in_cluster import ServiceRefused
from conformance.services.velero import API_VERSION as VELERO
from conformance.services.velero import FINAL

_RUN_BY_VELERO = ("Schedule", "Restore")
_VOLUME_NAMESPACE = "velero.io/volume-namespace"
"""Label of a BackupRepository: whose volumes are in it."""
_FLUX_SECONDS = 60.0
"""For Flux to take away what it has made of the run's repository."""
_WAITING_SECONDS = 20.0
"""For what it has not begun to take away by then."""
_MAKING_SECONDS = 60.0
"""For Velero to end a backup that it is making: it refuses, for good, to delete such a one.
https://github.com/vmware-tanzu/velero/blob/v1.18.3/pkg/controller/backup_deletion_controller.go
"""


def remove(kube: Kube, clients: Clients, say: Callable[[str], None]) -> list[str]:
    """Remove everything with the label of a run, and put back what one has changed.

    Returns what is still there, or changed, a line each. ``say`` gets a line about each kind of
    thing that there was.
    """
    left = _put_back(kube, say)
    left += _remove_users(clients, say)
    labelled = kube.list("v1", "Namespace", labels=RUN_LABEL)
    namespaces = [name_of(one) for one in labelled]
    runs = {one["metadata"]["labels"][RUN_LABEL] for one in labelled}
    left += _remove_settings(kube, namespaces, say)
    left += _remove_backups(kube, clients.platform.backup.namespace, say)
    if namespaces:
        say(f"removing {len(namespaces)} namespaces")
        left += _remove_namespaces(kube, namespaces)
    left += _remove_repositories(kube, clients.platform.backup.namespace, runs)
    left += _remove_volumes(kube, namespaces)
    return left


def _put_back(kube: Kube, say: Callable[[str], None]) -> list[str]:
    """Make what a check has changed, and a killed run not put back, what it was."""
    left = []
    for note in changes.noted(kube):
        which = changes.object_of(note)
        say(f"putting back {which}")
        try:
            changes.undo(kube, note)
        except ApiError as error:
            left.append(f"{which} is not as it was before a run has changed it: {error}")
    return left


def _remove_users(clients: Clients, say: Callable[[str], None]) -> list[str]:
    kratos = clients.kratos()
    try:
        if users := kratos.marked():
            say(f"removing {len(users)} users")
        for user in users:
            kratos.delete(user)
    except (ServiceRefused, requests.RequestException) as error:
        return [f"users: Kratos does not answer: {error}"]
    return []


def _remove_settings(
    kube: Kube, namespaces: Collection[str], say: Callable[[str], None]
) -> list[str]:
    """Remove ConfigMaps by which a check has given the platform other settings.

    Those in ``namespaces`` go with them.
    """
    found: Objects = [
        {**one, "apiVersion": "v1", "kind": "ConfigMap"}
        for one in kube.list("v1", "ConfigMap", labels=RUN_LABEL)
        if one["metadata"]["namespace"] not in namespaces
    ]
    if found:
        say(f"removing {len(found)} ConfigMaps")
    _delete(kube, found)
    return _still_there(kube, found, kube.timeouts.deletion)


def _remove_backups(kube: Kube, namespace: str, say: Callable[[str], None]) -> list[str]:
    """Remove a run's objects of Velero, and the data of its backups."""

    def labelled(kind: str, version: str = VELERO) -> Objects:
        found = kube.list(version, kind, namespace, labels=RUN_LABEL)
        return [{**one, "apiVersion": version, "kind": kind} for one in found]

    gone = [one for kind in _RUN_BY_VELERO for one in labelled(kind)]
    _delete(kube, gone)
    theirs = {
        name_of(one)
        for one in kube.list(VELERO, "BackupStorageLocation", namespace)
        if RUN_LABEL not in (one["metadata"].get("labels") or {})
    }
    backups = labelled("Backup")
    if backups:
        say(f"removing {len(backups)} backups")
    being_made = _being_made(
        kube, [one for one in backups if one["spec"].get("storageLocation") in theirs]
    )
    backups = [one for one in backups if one not in being_made]
    for one in backups:
        # Locations of the run's own do not answer, or are gone. What a killed check has put below
        # their prefix stays in the bucket: nothing here may delete from somebody else's.
        if one["spec"].get("storageLocation") in theirs:
            kube.create(_request(one))
        else:
            kube.delete(*ref_of(one))
    left = _still_there(kube, backups, kube.timeouts.backup)
    others = [*labelled("BackupStorageLocation"), *labelled("Secret", "v1")]
    _delete(kube, others)
    left += [
        f"{ref_of(one)}: Velero is still making it, and deletes none that it makes; if it does not "
        "end, restart Velero's Deployment"
        for one in being_made
    ]
    return [*left, *_still_there(kube, [*gone, *others], kube.timeouts.deletion)]


def _being_made(kube: Kube, backups: Objects) -> Objects:
    """Wait until Velero has ended making backups; return those that it makes after that, too."""
    with suppress(WaitFailed):
        waits = [Wait(ref_of(one), phase(*FINAL)) for one in backups]
        wait_all(kube, waits, timeout=_MAKING_SECONDS)
    return [one for one in backups if not _is_over(kube.find(*ref_of(one)))]


def _is_over(backup: Object | None) -> bool:
    return backup is None or (backup.get("status") or {}).get("phase") in FINAL


def _request(backup: Object) -> Object:
    """Return what has Velero delete a backup and its data.

    https://velero.io/docs/v1.18/api-types/
    """
    metadata = backup["metadata"]
    labels = {
        "velero.io/backup-name": metadata["name"],
        "velero.io/backup-uid": metadata["uid"],
        RUN_LABEL: metadata["labels"][RUN_LABEL],
    }
    named = {"generateName": f"{metadata['name'][:50]}-", "namespace": metadata["namespace"]}
    return {
        "apiVersion": VELERO,
        "kind": "DeleteBackupRequest",
        "metadata": {**named, "labels": labels},
        "spec": {"backupName": metadata["name"]},
    }


def _remove_namespaces(kube: Kube, names: Collection[str]) -> list[str]:
    """Remove namespaces; Flux first takes away what it has made of the run's repository."""
    version, kind = API_VERSIONS["Kustomization"], "Kustomization"
    found = kube.find(version, kind, conventions.SOURCE, homes.RUN)
    if found is not None:
        root = {**found, "apiVersion": version, "kind": kind}
        _delete(kube, [root])
        _still_there(kube, [root], _FLUX_SECONDS)
    namespaces: Objects = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in names
    ]
    _delete(kube, namespaces)
    _release_kustomizations(kube, names)
    return _still_there(kube, namespaces, kube.timeouts.deletion)


def _release_kustomizations(kube: Kube, namespaces: Collection[str]) -> None:
    """Take Flux' finalizer from Kustomizations that it does not let go of.

    While it waits for what one has applied to become healthy, up to that one's time-out, it does
    not see that the same is deleted: the namespace would stay for minutes. Nothing is left behind,
    as what it has applied goes with the namespaces.
    """
    version, kind = API_VERSIONS["Kustomization"], "Kustomization"
    held: Objects = [
        {**one, "apiVersion": version, "kind": kind}
        for one in kube.list(version, kind)
        if one["metadata"]["namespace"] in namespaces
    ]
    _delete(kube, held)
    if _still_there(kube, held, _WAITING_SECONDS):
        for one in held:
            with suppress(NotFound):
                kube.patch(*ref_of(one), {"metadata": {"finalizers": None}})


def _remove_repositories(kube: Kube, namespace: str, runs: Collection[str]) -> list[str]:
    """Remove what Velero keeps of the runs' namespaces, most of which have gone before."""
    found = [
        {**one, "apiVersion": VELERO, "kind": "BackupRepository"}
        for one in kube.list(VELERO, "BackupRepository", namespace)
        if (of := (one["metadata"].get("labels") or {}).get(_VOLUME_NAMESPACE))
        and any(f"-{run}-" in of for run in runs)
    ]
    _delete(kube, found)
    return _still_there(kube, found, kube.timeouts.deletion)


def _remove_volumes(kube: Kube, namespaces: Collection[str]) -> list[str]:
    """Wait for the volumes of removed claims to go; those that are kept by their class, delete."""
    volumes = [
        {**one, "apiVersion": "v1", "kind": "PersistentVolume"}
        for one in kube.list("v1", "PersistentVolume")
        if (one["spec"].get("claimRef") or {}).get("namespace") in namespaces
    ]
    _delete(kube, (one for one in volumes if _is_retained(one)))
    return _still_there(kube, volumes, kube.timeouts.volume_reclaimed)


def _is_retained(volume: Object) -> bool:
    return bool(volume["spec"].get("persistentVolumeReclaimPolicy") == "Retain")


def _delete(kube: Kube, items: Iterable[Object]) -> None:
    for one in items:
        kube.delete(*ref_of(one))


def _still_there(kube: Kube, items: Objects, seconds: float) -> list[str]:
    """Wait until objects are gone; return those that are not, a line each."""
    refs = [ref_of(one) for one in items]
    try:
        wait_all(kube, [Wait(one, deleted()) for one in refs], timeout=seconds)
    except WaitFailed:
        return [str(one) for one in refs if kube.find(*one) is not None]
    return []
