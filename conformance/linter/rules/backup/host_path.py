"""No data is on a volume that Velero leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.common.backup_labels import (
    BACKUP_VOLUMES,
)
from conformance.linter.facts.backed_up import (
    unknown,
)
from conformance.linter.findings import NotRun, Problem, quoted
from conformance.linter.rule import rule
from conformance.linter.rules.backup.shared import listed_kinds

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("backup.host-path", level=3)
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
        for pod, name, kind in listed_kinds(installation):
            if kind == "hostPath":
                yield Problem(
                    pod.place("metadata", "annotations", BACKUP_VOLUMES),
                    f"volume {quoted(name)} is to be backed up, but it is of type hostPath, which "
                    "Velero leaves out",
                )
    yield from unknown(app, "which volumes it creates")
