"""The chart is not in the format of Helm 2."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.findings import Problem, Severity
from conformance.linter.rule import rule
from conformance.linter.rules.chart.shared import metadata_of, place_of

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("chart.helm-2", level=1, severity=Severity.WARNING)
def helm_2(app: AppPackage) -> Iterator[Problem]:
    """Yield each chart of ``apiVersion: v1``."""
    for chart, metadata in metadata_of(app):
        if metadata.get("apiVersion") == "v1":
            place = place_of(chart, "apiVersion")
            yield Problem(place, f"chart {chart.name} has apiVersion v1, the format of Helm 2")
