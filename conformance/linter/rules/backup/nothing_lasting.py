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
from conformance.linter.rules.backup.shared import listed_kinds

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


_LASTING = frozenset({"persistentVolumeClaim", "ephemeral", "csi", "nfs", "iscsi", "hostPath"})
"""Kinds of volumes with data that outlives the pod, or that other rules speak of."""


@rule("backup.nothing-lasting", level=3, severity=Severity.WARNING)
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
