"""Nothing is suspended."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.linter.app import AppPackage
from conformance.linter.findings import NotRun, Problem
from conformance.linter.flux import platform
from conformance.linter.rule import rule


@rule("release.suspended", level=1)
def suspended(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield what is suspended."""
    for manifest in app.objects("HelmRelease", "Kustomization", "HelmRepository", "GitRepository"):
        # Stackspin itself suspends its source by day.
        ours = manifest.kind == "GitRepository" and manifest.name in platform.SOURCES
        if manifest.get("spec", "suspend") is True and not ours:
            yield Problem(
                manifest.place("spec", "suspend"),
                f"{manifest.kind} {manifest.name} is suspended: Flux ignores it",
            )
