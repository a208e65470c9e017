"""A pod with data carries the label of its backup set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.common.backup_labels import (
    BACKUP_SET,
)
from conformance.linter.facts.backed_up import (
    components,
    listed,
    mounts,
    pods_by_claim,
    unknown,
)
from conformance.linter.findings import NotRun, Problem
from conformance.linter.rule import rule
from conformance.linter.rules.backup.shared import excluded

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("backup.pod-label", level=3)
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
                if claim not in covered and volume not in excluded(pod)
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
