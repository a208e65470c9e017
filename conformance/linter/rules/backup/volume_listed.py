"""Every claim that a pod mounts is in the pod's backup annotation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.common.backup_labels import (
    BACKUP_VOLUMES,
    not_listed,
)
from conformance.linter.facts.backed_up import (
    components,
    listed,
    pods_by_claim,
    unknown,
)
from conformance.linter.findings import NotRun, Problem
from conformance.linter.rule import rule
from conformance.linter.rules.backup.shared import excluded, mistyped

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage
    from conformance.linter.pods import Pod


@rule("backup.volume-listed", level=3)
def volume_listed(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each claim that no pod's annotation has."""
    told: set[str] = set()
    for installation in app.installations:
        for claim, pods in pods_by_claim(installation).items():
            if any(volume in listed(pod) | excluded(pod) for pod, volume in pods):
                continue
            for pod, volume in pods:
                if volume not in mistyped(pod).values() and _is_text(pod, BACKUP_VOLUMES):
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


def _is_text(pod: Pod, annotation: str) -> bool:
    """Whether an annotation is a string or not there: of another type the schema rule speaks."""
    return isinstance(pod.annotations.get(annotation, ""), str)
