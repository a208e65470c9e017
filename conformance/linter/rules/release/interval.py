"""Flux looks at an app every few minutes, not seconds or days."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.linter.access import text
from conformance.linter.app import AppPackage
from conformance.linter.durations import seconds
from conformance.linter.findings import NotRun, Problem, Severity, quoted
from conformance.linter.rule import rule

_SHORTEST, _LONGEST = 30.0, 86_400.0
"""Seconds between reconciliations: below, the node is busy with it; above, drift stays a day."""


@rule("release.interval", level=3, severity=Severity.WARNING)
def interval(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each interval that is too short or too long."""
    for manifest in app.objects("HelmRelease", "Kustomization"):
        found = text(manifest.get("spec", "interval"))
        value = seconds(found)
        if value is not None and not _SHORTEST <= value <= _LONGEST:
            yield Problem(
                manifest.place("spec", "interval"),
                f"{manifest.kind} {manifest.name} is reconciled every {quoted(found)}",
            )
