"""The backup annotation names volumes that the pod has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.common.backup_labels import (
    BACKUP_VOLUMES,
    not_a_volume,
)
from conformance.linter.facts.backed_up import (
    listed,
    unknown,
)
from conformance.linter.findings import NotRun, Problem, quoted
from conformance.linter.rule import rule
from conformance.linter.rules.backup.shared import mistyped, names_in

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("backup.unknown-volume", level=3)
def unknown_volume(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each name in an annotation that is no volume."""
    for installation in app.installations:
        for pod in installation.pods:
            meant = mistyped(pod)
            for name in sorted(listed(pod) - names_in(pod)):
                near = meant.get(name)
                hint = f': did you mean "{near}", which is in no backup?' if near else ""
                yield Problem(
                    pod.place("metadata", "annotations", BACKUP_VOLUMES),
                    f"{not_a_volume(quoted(name))}{hint}",
                )
    yield from unknown(app, "which volumes its pods have")
