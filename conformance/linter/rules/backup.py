"""Whether a backup holds all of an app's data, and holds it under the app's name.

The cluster suite's sister is ``conformance.apps.backup_rules``: the same contract, of live objects.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from conformance.common.backup_labels import (
    BACKUP_EXCLUDES,
    BACKUP_SET,
    BACKUP_VOLUMES,
    not_a_volume,
    not_labelled,
    not_listed,
)
from conformance.linter.access import get, mapping, sequence, text
from conformance.linter.facts.backed_up import (
    Component,
    claim_labels,
    components,
    listed,
    mounts,
    pods_by_claim,
    unknown,
)
from conformance.linter.facts.well_known import NAMES_OF_APPS
from conformance.linter.findings import NotRun, Place, Problem, Severity, quoted
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage, Installation
    from conformance.linter.pods import Pod

_VELERO = "https://velero.io/docs/v1.18/file-system-backup/"
_LASTING = frozenset({"persistentVolumeClaim", "ephemeral", "csi", "nfs", "iscsi", "hostPath"})
"""Kinds of volumes with data that outlives the pod, or that other rules speak of."""


@rule(
    "backup.volume-listed",
    "Every claim that a pod mounts is in the pod's backup annotation",
    level=3,
    why="Velero copies the files of only those volumes that this annotation names. The backup is "
    "Completed even if volumes are missing; nobody notices until the data is needed.",
    source=f"{_VELERO}#using-opt-in-pod-volume-backup",
    fix=f"Add the pod's name for the volume to the annotation {BACKUP_VOLUMES} of the pod "
    "template (a comma-separated list). If the data need not be kept (a cache, for example), add "
    f"it to {BACKUP_EXCLUDES}.",
    example="""
spec:
  template:
    metadata:
      annotations:
        backup.velero.io/backup-volumes: data,uploads
""",
)
def volume_listed(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each claim that no pod's annotation has."""
    told: set[str] = set()
    for installation in app.installations:
        for claim, pods in pods_by_claim(installation).items():
            if any(volume in listed(pod) | _excluded(pod) for pod, volume in pods):
                continue
            for pod, volume in pods:
                if volume not in _mistyped(pod).values() and _is_text(pod, BACKUP_VOLUMES):
                    yield _not_listed(pod, volume, claim)
        for part in components(app, installation):
            if not part.has_annotation:
                told.add(installation.label)
                yield Problem(
                    part.place,
                    f'claim "{part.claim}" is given to the chart, but {part.where} no annotation '
                    f"{BACKUP_VOLUMES}: its data is in no backup",
                    "Give the pods the annotation, with the chart's name for the volume: most "
                    f'charts take podAnnotations: {{{BACKUP_VOLUMES}: "data"}}.',
                )
    yield from unknown(app, "which volumes its pods mount and back up", told)


def _not_listed(pod: Pod, volume: str, claim: str) -> Problem:
    elsewhere = BACKUP_VOLUMES in pod.workload.annotations and pod.path
    missing = not_listed(f'"{volume}"', claim)
    return Problem(
        pod.place("metadata", "annotations", BACKUP_VOLUMES),
        f"{missing} of the pod: its data is in no backup",
        f"The {pod.workload.kind} itself has the annotation; Velero reads that of the pods: move "
        "it to spec.template.metadata.annotations."
        if elsewhere
        else "",
    )


@rule(
    "backup.unknown-volume",
    "The backup annotation names volumes that the pod has",
    level=3,
    why="A name that is not a volume of the pod backs up nothing, and Velero says so only in a "
    "log. Usually it is the claim's name or a typing error, and the intended volume is not backed "
    "up.",
    source=f"{_VELERO}#using-opt-in-pod-volume-backup",
    fix="Write the name under spec.volumes of the pod (or of the volumeClaimTemplate), not the "
    "name of the claim.",
    example="""
metadata:
  annotations:
    backup.velero.io/backup-volumes: data  # the name below, not the claim's
spec:
  volumes:
    - name: data
      persistentVolumeClaim:
        claimName: notes-data
""",
)
def unknown_volume(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each name in an annotation that is no volume."""
    for installation in app.installations:
        for pod in installation.pods:
            meant = _mistyped(pod)
            for name in sorted(listed(pod) - _names(pod)):
                near = meant.get(name)
                hint = f': did you mean "{near}", which is in no backup?' if near else ""
                yield Problem(
                    pod.place("metadata", "annotations", BACKUP_VOLUMES),
                    f"{not_a_volume(quoted(name))}{hint}",
                )
    yield from unknown(app, "which volumes its pods have")


@rule(
    "backup.pod-label",
    "A pod with data carries the label of its backup set",
    level=3,
    why="A backup of one app contains the pods with the app's label, and only the volumes of such "
    "pods. Without the label, neither the pod nor its data is in the backup.",
    source="Stackspin",
    fix=f"Add the label {BACKUP_SET} with the app's name to the labels of the pod template (not "
    "only to those of the Deployment).",
    example="""
spec:
  template:
    metadata:
      labels:
        stackspin.net/backupSet: notes
""",
)
def pod_label(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each pod that has claims and no label."""
    told: set[str] = set()
    for installation in app.installations:
        covered = {
            claim
            for claim, pods in pods_by_claim(installation).items()
            if any(BACKUP_SET in pod.labels and volume in listed(pod) for pod, volume in pods)
        }
        for pod in installation.pods:
            claims = [
                claim
                for volume, claim in mounts(pod).items()
                if claim not in covered and volume not in _excluded(pod)
            ]
            if claims and BACKUP_SET not in pod.labels:
                yield Problem(
                    pod.place("metadata", "labels"),
                    f"the pod has data (claim {claims[0]}) but no label {BACKUP_SET}: it is in no "
                    "backup of the app",
                )
        for part in components(app, installation):
            if not part.has_label:
                told.add(installation.label)
                yield Problem(
                    part.place,
                    f'claim "{part.claim}" is given to the chart, but {part.where} no label '
                    f"{BACKUP_SET} for the pods: they are in no backup of the app",
                    "Give the pods the label: most charts take podLabels or commonLabels: "
                    f"{{{BACKUP_SET}: {app.name}}}.",
                )
    yield from unknown(app, "which labels its pods have", told)


@rule(
    "backup.claim-label",
    "A claim carries the label of its backup set",
    level=3,
    why="A backup of one app contains only what has the app's label. A claim without the label is "
    "not in the backup, and after a restore the pod waits for it forever.",
    source="Stackspin",
    fix=f"Add the label {BACKUP_SET} with the app's name to the PersistentVolumeClaim.",
    example="""
metadata:
  name: notes-data
  labels:
    stackspin.net/backupSet: notes
""",
)
def claim_label(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each claim without it; one that every pod leaves out of the backup needs none."""
    for installation in app.installations:
        users = pods_by_claim(installation)
        for claim in claim_labels(installation):
            mounted = users.get(claim.name, [])
            if mounted and all(volume in _excluded(pod) for pod, volume in mounted):
                continue
            if BACKUP_SET not in claim.labels:
                yield Problem(
                    claim.place,
                    f"{not_labelled(f'claim {claim.name}')}: it is in no backup of the app",
                )
    yield from unknown(app, "which claims it creates")


@rule(
    "backup.set-name",
    "All of an app is in one backup set, named after the app",
    level=3,
    why="A backup contains one set. What has another name is in another app's backup, or in none, "
    "so a restore brings back only part of the data.",
    source="Stackspin",
    fix=f"Give every pod and claim of the app the same {BACKUP_SET}: the app's name.",
    example="""
# on the pod template, and on the claim
labels:
  stackspin.net/backupSet: notes
""",
)
def set_name(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each label that has another value than the rest, or the name of another app."""
    own = {app.name, *(one.name for one in app.releases), *(one.name for one in app.charts)}
    for installation in app.installations:
        labels = list(_set_labels(app, installation))
        if not labels:
            continue
        values = [value for value, _, _ in labels]
        usual = max(values, key=lambda value: (value in own, values.count(value), value != ""))
        for value, place, what in labels:
            if value != usual or not value:
                other = (
                    f"the rest of the app is in {quoted(usual)}" if usual else "the name is empty"
                )
                yield Problem(place(), f"{what} is in the backup set {quoted(value)}, but {other}")
            elif not _fits(usual, own) and usual in _other_apps(app):
                yield Problem(
                    place(),
                    f"{what} is in the backup set {quoted(value)}, which belongs to another app",
                )
    yield from unknown(app, "which backup set its pods are in")


_Where = Callable[[], Place]
"""Finds out where something is written, which takes time where a template rendered to it."""


def _set_labels(app: AppPackage, installation: Installation) -> Iterator[tuple[str, _Where, str]]:
    """Yield each backup set of an installation's data: the value, its place, who carries it."""
    users = pods_by_claim(installation)
    parts = list(components(app, installation))
    used = {*users, *(part.claim for part in parts)}
    for pod in installation.pods:
        value = pod.labels.get(BACKUP_SET)
        if mounts(pod) and isinstance(value, str):
            yield value, partial(pod.place, "metadata", "labels", BACKUP_SET), "the pod"
    for claim in claim_labels(installation):
        value = claim.labels.get(BACKUP_SET)
        if isinstance(value, str) and (claim.name in used or len(app.releases) < 2):
            yield value, claim.label_place, f"claim {claim.name}"
    for place, value in Component.labels_of(installation) if parts else ():
        yield value, place, "what the chart creates"


def _fits(value: str, own: set[str]) -> bool:
    return any(value in name or name in value for name in own if name)


def _other_apps(app: AppPackage) -> set[str]:
    found = {one.name for one in app.neighbours if one.kind == "HelmRelease"}
    return found | NAMES_OF_APPS


@rule(
    "backup.host-path",
    "No data is on a volume that Velero leaves out",
    level=3,
    why="Velero does not copy volumes of type hostPath: it skips them and calls the backup "
    "Completed.",
    source=f"{_VELERO}#limitations",
    fix="Use a claim of the StorageClass local-path without the annotation volumeType: hostPath, "
    "or a PersistentVolume of type local.",
    example="""
spec:
  storageClassName: local-path
  accessModes: [ReadWriteOnce]
""",
)
def host_path(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield volumes of type hostPath that are meant to last."""
    for volume in app.objects("PersistentVolume"):
        if volume.get("spec", "hostPath") is not None:
            yield Problem(
                volume.place("spec", "hostPath"),
                f"PersistentVolume {volume.name} is of type hostPath, which Velero leaves out of "
                "every backup",
            )
    for claim in app.objects("PersistentVolumeClaim"):
        if claim.annotations.get("volumeType") == "hostPath":
            yield Problem(
                claim.place("metadata", "annotations", "volumeType"),
                f"claim {claim.name} asks for a volume of type hostPath, which Velero leaves out "
                "of every backup",
            )
    for installation in app.installations:
        for pod, name, kind in _listed_kinds(installation):
            if kind == "hostPath":
                yield Problem(
                    pod.place("metadata", "annotations", BACKUP_VOLUMES),
                    f"volume {quoted(name)} is to be backed up, but it is of type hostPath, which "
                    "Velero leaves out",
                )
    yield from unknown(app, "which volumes it creates")


@rule(
    "backup.nothing-lasting",
    "The backup annotation names volumes with data that lasts",
    level=3,
    severity=Severity.WARNING,
    why="A volume of type emptyDir is empty in every new pod, and a ConfigMap or Secret is backed "
    "up as an object anyway: copying their files makes each backup slower and saves nothing. "
    "Usually another volume was meant, or the claim is missing.",
    source=f"{_VELERO}#limitations",
    fix="Remove the volume from the annotation; if its data must be kept, make it a claim.",
    example="""
volumes:
  - name: data
    persistentVolumeClaim:
      claimName: notes-data
""",
)
def nothing_lasting(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield listed volumes that are no claims; one that a hook fills with a dump may be listed."""
    for installation in app.installations:
        for pod, name, kind in _listed_kinds(installation):
            dump = "pre.hook.backup.velero.io/command" in pod.annotations
            if kind and kind not in _LASTING and not (kind == "emptyDir" and dump):
                yield Problem(
                    pod.place("metadata", "annotations", BACKUP_VOLUMES),
                    f"volume {quoted(name)} is to be backed up, but it is of type {kind}: there is "
                    "nothing to keep",
                )
    yield from unknown(app, "which volumes its pods have")


def _listed_kinds(installation: Installation) -> Iterator[tuple[Pod, str, str]]:
    """Yield each volume that an annotation names, with its type."""
    for pod in installation.pods:
        for volume in sequence(pod.get("spec", "volumes")):
            name = text(get(volume, "name"))
            kinds = [key for key in mapping(volume) if key != "name"]
            if name in listed(pod) and len(kinds) == 1:
                yield pod, name, str(kinds[0])


def _names(pod: Pod) -> set[str]:
    volumes = {text(get(volume, "name")) for volume in sequence(pod.get("spec", "volumes"))}
    return volumes | set(pod.claims)


def _excluded(pod: Pod) -> set[str]:
    return listed(pod, BACKUP_EXCLUDES)


def _is_text(pod: Pod, annotation: str) -> bool:
    """Whether an annotation is a string or not there: of another type the schema rule speaks."""
    return isinstance(pod.annotations.get(annotation, ""), str)


def _mistyped(pod: Pod) -> dict[str, str]:
    """Return the names in the annotation that are no volumes -> the claims' volumes they mean."""
    wrong = sorted(listed(pod) - _names(pod))
    left = [name for name in mounts(pod) if name not in listed(pod) | _excluded(pod)]
    meant: dict[str, str] = {}
    for name in wrong:
        by_claim = [volume for volume in left if mounts(pod)[volume] == name]
        near = by_claim or difflib.get_close_matches(name[:64], left, 1, 0.0) or left[:1]
        if near:
            meant[name] = near[0]
            left.remove(near[0])
    return meant
