"""The chart that a HelmRelease takes from the repository exists."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.linter.access import text
from conformance.linter.app import AppPackage
from conformance.linter.findings import NotRun, Problem, quoted
from conformance.linter.rule import rule


@rule("reference.chart", level=1)
def chart(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each release whose chart should be in the tree and is not."""
    for release in app.releases:
        if release.broken:
            name = text(release.manifest.get("spec", "chart", "spec", "chart"))
            yield Problem(
                release.manifest.place("spec", "chart", "spec", "chart"),
                f"chart {quoted(name)} of HelmRelease {release.name} is not in the repository",
            )
