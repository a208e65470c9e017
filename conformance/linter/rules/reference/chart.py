"""The chart that a HelmRelease takes from the repository exists."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.linter.access import text
from conformance.linter.app import AppPackage
from conformance.linter.findings import NotRun, Problem, quoted
from conformance.linter.rule import rule
from conformance.linter.rules.reference.shared import HELM_RELEASE


@rule(
    "reference.chart",
    "The chart that a HelmRelease takes from the repository exists",
    level=1,
    why="helm-controller cannot install a chart that is not in the repository.",
    source=f"{HELM_RELEASE}#chart-template",
    fix="Correct spec.chart.spec.chart: it is a path from the root of the repository.",
    example="""
chart:
  spec:
    chart: ./charts/notes
""",
)
def chart(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each release whose chart should be in the tree and is not."""
    for release in app.releases:
        if release.broken:
            name = text(release.manifest.get("spec", "chart", "spec", "chart"))
            yield Problem(
                release.manifest.place("spec", "chart", "spec", "chart"),
                f"chart {quoted(name)} of HelmRelease {release.name} is not in the repository",
            )
