"""The backup annotation names volumes with data that lasts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.common.backup_labels import (
    BACKUP_VOLUMES,
)
from conformance.linter.facts.backed_up import (
    unknown,
)
from conformance.linter.findings import NotRun, Problem, Severity, quoted
from conformance.linter.rule import rule
from conformance.linter.rules.backup.shared import VELERO, listed_kinds

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


_LASTING = frozenset({"persistentVolumeClaim", "ephemeral", "csi", "nfs", "iscsi", "hostPath"})
"""Kinds of volumes with data that outlives the pod, or that other rules speak of."""


@rule(
    "backup.nothing-lasting",
    "The backup annotation names volumes with data that lasts",
    level=3,
    severity=Severity.WARNING,
    why="A volume of type emptyDir is empty in every new pod, and a ConfigMap or Secret is backed "
    "up as an object anyway: copying their files makes each backup slower and saves nothing. "
    "Usually another volume was meant, or the claim is missing.",
    source=f"{VELERO}#limitations",
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
        for pod, name, kind in listed_kinds(installation):
            dump = "pre.hook.backup.velero.io/command" in pod.annotations
            if kind and kind not in _LASTING and not (kind == "emptyDir" and dump):
                yield Problem(
                    pod.place("metadata", "annotations", BACKUP_VOLUMES),
                    f"volume {quoted(name)} is to be backed up, but it is of type {kind}: there is "
                    "nothing to keep",
                )
    yield from unknown(app, "which volumes its pods have")
