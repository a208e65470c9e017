"""Which of an app's data is in its backups: what its pods mount against what their labels say.

Nothing here asks a cluster: the objects may as well be rendered from a chart.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from conformance.common.backup_labels import (
    BACKUP_EXCLUDES,
    BACKUP_SET,
    BACKUP_VOLUMES,
    not_a_volume,
    not_labelled,
    not_listed,
)
from conformance.kube.objects import Object


@dataclass(frozen=True, order=True)
class ClaimedVolume:
    """A claim that a pod has among its volumes."""

    pod: str
    volume: str
    """The volume's name in the pod."""
    claim: str


def expected_volumes(pods: Iterable[Object]) -> list[ClaimedVolume]:
    """Return what has to be in a backup of these pods: every claim that one of them mounts.

    Not that which its pod's annotation leaves out on purpose.
    """
    return [
        ClaimedVolume(_name(pod), volume["name"], volume["persistentVolumeClaim"]["claimName"])
        for pod in pods
        for volume in pod["spec"].get("volumes") or ()
        if "persistentVolumeClaim" in volume
        and volume["name"] not in _names_in(pod, BACKUP_EXCLUDES)
    ]


def listed_volumes(pod: Object) -> list[str]:
    """Return the volumes that a pod's annotation wants in the backup."""
    return _names_in(pod, BACKUP_VOLUMES)


def _names_in(pod: Object, annotation: str) -> list[str]:
    names = (pod["metadata"].get("annotations") or {}).get(annotation, "")
    return [name.strip() for name in names.split(",") if name.strip()]


def missing_in_backup(
    pods: Iterable[Object],
    claims: Iterable[Object],
    volumes: Iterable[Object],
    copied: Collection[tuple[str, str]],
) -> list[str]:
    """Return, one line each, what a backup lacks of these pods' claims, and why that may be.

    ``copied`` are the volumes in the backup, as names of pod and volume; the others are as for
    ``backup_findings``.
    """
    pods = list(pods)
    return [*not_copied(pods, copied), *backup_findings(pods, claims, volumes)]


def not_copied(pods: Iterable[Object], copied: Collection[tuple[str, str]]) -> list[str]:
    """Return, one line each, which of these pods' claims a backup lacks.

    ``copied`` are the volumes in the backup, as names of pod and volume.
    """
    return [
        f"claim {one.claim} (volume {one.volume} of pod {one.pod}) is not in the backup"
        for one in expected_volumes(pods)
        if (one.pod, one.volume) not in copied
    ]


def backup_findings(
    pods: Iterable[Object], claims: Iterable[Object] = (), volumes: Iterable[Object] = ()
) -> list[str]:
    """Return, one line each, why data of these pods would be missing in a backup without a word.

    ``claims`` are the PersistentVolumeClaims of the pods' namespace; ``volumes`` the
    PersistentVolumes, of which there are none before the app is installed.
    """
    pods = list(pods)
    return [
        *(line for pod in pods for line in _pod_findings(pod)),
        *_claim_findings(expected_volumes(pods), list(claims), list(volumes)),
    ]


def _pod_findings(pod: Object) -> Iterator[str]:
    name, listed = _name(pod), listed_volumes(pod)
    claimed = expected_volumes([pod])
    for one in claimed:
        if one.volume not in listed:
            yield f"pod {name}: {not_listed(one.volume, one.claim)}, so its data is in no backup"
    there = {volume["name"] for volume in pod["spec"].get("volumes") or ()}
    for volume in listed:
        if volume not in there:
            yield f"pod {name}: {not_a_volume(volume)}"
    if claimed and BACKUP_SET not in (pod["metadata"].get("labels") or {}):
        yield f"{not_labelled(f'pod {name}')}, so it is in no backup of a set"


def _claim_findings(
    expected: Iterable[ClaimedVolume], claims: list[Object], volumes: list[Object]
) -> Iterator[str]:
    mounted = {one.claim for one in expected}
    of_claim = {_name(claim): claim for claim in claims if _name(claim) in mounted}
    of_volume = {_name(volume): volume for volume in volumes}
    for name, claim in sorted(of_claim.items()):
        if BACKUP_SET not in (claim["metadata"].get("labels") or {}):
            yield f"{not_labelled(f'claim {name}')}, so it is in no backup of a set"
        volume = of_volume.get(claim["spec"].get("volumeName", ""))
        if volume is not None and "hostPath" in volume["spec"]:
            yield (
                f"claim {name}: its volume is of type hostPath, which Velero leaves out of a"
                " backup that it calls Completed"
            )


def _name(item: Object) -> str:
    """Return an object's name; that of what makes it where it is only a template."""
    metadata = item["metadata"]
    return str(metadata.get("name") or metadata.get("generateName", "of the template"))
