"""A HelmRelease says what to do when an installation or upgrade fails."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.linter.access import mapping
from conformance.linter.app import AppPackage
from conformance.linter.findings import NotRun, Problem, Severity
from conformance.linter.rule import rule


@rule("release.remediation", level=3, severity=Severity.WARNING)
def remediation(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each release without it."""
    for release in app.releases:
        absent = [
            f"{action}.remediation"
            for action in ("install", "upgrade")
            if not mapping(release.manifest.get("spec", action, "remediation"))
            and not mapping(release.manifest.get("spec", action, "strategy"))
        ]
        if absent:
            yield Problem(
                release.manifest.place("spec"),
                f"HelmRelease {release.name} has no {' and no '.join(absent)}",
            )
