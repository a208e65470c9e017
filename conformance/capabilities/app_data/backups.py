"""Backups of an app, by the label of its set and by namespace, and what is made of them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from conformance.apps.backup_rules import backup_findings, expected_volumes, not_copied
from conformance.apps.package.named_by_pods import named_by
from conformance.apps.package.placement import safe
from conformance.apps.package.second import plain_copy
from conformance.common.backup_labels import BACKUP_SET
from conformance.kube.apply import apply
from conformance.kube.objects import Object
from conformance.services.velero import COMPLETED, Velero

if TYPE_CHECKING:
    from conformance.capabilities.app_data.data import AppData

_DATA = ("persistentvolumeclaims", "persistentvolumes", "pods")
"""What is restored beside the app. Velero puts data into volumes only through their pods."""


@dataclass(frozen=True)
class AppBackup:
    """A backup with an app in it, in a final phase."""

    item: Object
    """Velero's Backup."""
    namespaces: tuple[str, ...]
    """Those that are in it."""
    pods: tuple[Object, ...]
    """The app's, as they were."""
    missing: tuple[str, ...]
    """What of the app's claims is not in it, and why that may be, a line each."""
    left_out: frozenset[str]
    """Claims that the app leaves out of its backups on purpose."""
    bytes: int
    """How much data of the app's volumes Velero has copied."""

    @property
    def name(self) -> str:
        """The Backup's name."""
        return str(self.item["metadata"]["name"])

    @property
    def complete(self) -> bool:
        """Whether it has all that it should have."""
        return not self.lack

    @property
    def lack(self) -> str:
        """What it lacks of that, in words; empty: nothing."""
        phase = self.item["status"]["phase"]
        ended = [] if phase == COMPLETED else [f"it is {phase}"]
        return "; ".join([*ended, *self.missing])


def back_up_set(velero: Velero, data: AppData) -> AppBackup:
    """Back up what has the label of the app's set.

    Raises AssertionError if its claims are in no set, or in several.
    """
    app, claims = data.app, data.app.delivery.claims()
    label = backup_set_of(claims)
    namespaces = sorted({item["metadata"]["namespace"] for item in claims})
    made = _back_up(velero, data, namespaces, {BACKUP_SET: label})
    volumes = app.kube.list("v1", "PersistentVolume")
    return replace(made, missing=(*made.missing, *backup_findings(made.pods, claims, volumes)))


def back_up_namespaces(velero: Velero, data: AppData) -> AppBackup:
    """Back up the namespaces that the app's claims and workloads are in, whatever else is there."""
    places = {item["metadata"]["namespace"] for item in data.app.delivery.claims()}
    places |= {str(one.ref.namespace) for one in data.app.live.workloads()}
    return _back_up(velero, data, sorted(places))


def _back_up(
    velero: Velero,
    data: AppData,
    namespaces: Sequence[str],
    labels: Mapping[str, str] | None = None,
) -> AppBackup:
    app, claims, pods = data.app, data.app.delivery.claims(), data.app.live.pods()
    data.settle()
    name = f"{safe(app.delivery.name)}-{secrets.token_hex(3)}"
    velero.back_up(name, namespaces=namespaces, labels=labels)
    item = velero.finished("Backup", name)
    own = {(pod["metadata"]["namespace"], _name(pod)) for pod in pods}
    volumes = [one for one in velero.volumes(item) if (one.namespace, one.pod) in own]
    copied = {(one.pod, one.volume) for one in volumes if one.phase == COMPLETED}
    mounted = _mounted(pods)
    missing = [
        *not_copied(pods, copied),
        *(
            f"claim {one} is mounted by no pod that runs, so nobody copies its data"
            for one in sorted(set(map(_name, claims)) - mounted)
        ),
    ]
    expected = {one.claim for one in expected_volumes(pods)}
    return AppBackup(
        item,
        tuple(namespaces),
        tuple(pods),
        tuple(missing),
        frozenset(mounted - expected),
        sum(one.bytes for one in volumes),
    )


def backup_set_of(claims: Iterable[Object]) -> str:
    """Return the set that claims belong to. Raises AssertionError if it is not one."""
    labels = {_name(item): item["metadata"].get("labels") or {} for item in claims}
    sets = {one[BACKUP_SET] for one in labels.values() if BACKUP_SET in one}
    if not sets:
        raise AssertionError(f"no claim of {', '.join(sorted(labels))} has the label {BACKUP_SET}")
    if len(sets) > 1:
        raise AssertionError(f"its claims are in several sets ({BACKUP_SET}): {sorted(sets)}")
    return str(sets.pop())


@dataclass(frozen=True)
class Beside:
    """What a backup holds, being restored into other namespaces."""

    restore: str
    """The Restore that has begun."""
    namespaces: Mapping[str, str]
    """Namespace of the app -> the one that gets its copy."""


def restore_beside(
    velero: Velero, data: AppData, backup: AppBackup, namespaces: Callable[[str], str]
) -> Beside:
    """Begin to restore pods and claims of a backup into fresh namespaces.

    Configuration and secrets that the pods name are copied there before: without them no pod
    begins. From then on, what becomes of the app itself makes no difference.
    """
    kube, mapping = data.app.kube, {one: namespaces("data-copy") for one in backup.namespaces}
    pods = data.app.live.pods()
    for namespace, other in mapping.items():
        for named in named_by(pod for pod in pods if pod["metadata"]["namespace"] == namespace):
            if (item := kube.find(*named)) is not None:
                apply(kube, plain_copy({**item, "kind": named.kind}), namespace=other)
    name = f"{backup.name}-beside"
    velero.restore(name, backup.name, mapping=mapping, included=_DATA)
    return Beside(name, mapping)


def restore_lost(velero: Velero, backup: AppBackup) -> Object:
    """Restore a backup to where it was made; return the Restore, in a final phase."""
    velero.restore(backup.name, backup.name)
    return velero.finished("Restore", backup.name)


def _mounted(pods: Iterable[Object]) -> set[str]:
    return {
        volume["persistentVolumeClaim"]["claimName"]
        for pod in pods
        for volume in pod["spec"].get("volumes") or ()
        if "persistentVolumeClaim" in volume
    }


def _name(item: Object) -> str:
    return str(item["metadata"]["name"])
