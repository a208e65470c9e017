"""A HelmRelease installs an application, not a library."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import mapping
from conformance.linter.findings import Problem
from conformance.linter.rule import rule
from conformance.linter.rules.chart.shared import place_of

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("chart.library", level=1)
def library(app: AppPackage) -> Iterator[Problem]:
    """Yield each release of a library."""
    for release in app.releases:
        chart = release.chart
        if chart is not None and mapping(chart.metadata.value).get("type") == "library":
            says = f"HelmRelease {release.name} installs chart {chart.name}, which is a library"
            yield Problem(place_of(chart, "type"), says)
