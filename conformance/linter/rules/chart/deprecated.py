"""The chart is not marked as deprecated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.findings import Problem, Severity
from conformance.linter.rule import rule
from conformance.linter.rules.chart.shared import metadata_of, place_of

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("chart.deprecated", level=1, severity=Severity.WARNING)
def is_deprecated(app: AppPackage) -> Iterator[Problem]:
    """Yield each chart that is."""
    for chart, metadata in metadata_of(app):
        if metadata.get("deprecated") is True:
            yield Problem(place_of(chart, "deprecated"), f"chart {chart.name} is deprecated")
