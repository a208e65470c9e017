"""Chart.yaml says that it is a chart of Helm 3."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.findings import Problem, quoted
from conformance.linter.rule import rule
from conformance.linter.rules.chart.shared import metadata_of, place_of

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("chart.api-version", level=1)
def api_version(app: AppPackage) -> Iterator[Problem]:
    """Yield each chart without a known ``apiVersion``."""
    for chart, metadata in metadata_of(app):
        found = metadata.get("apiVersion")
        if found not in ("v1", "v2"):
            says = "has no apiVersion" if found is None else f"has apiVersion {quoted(str(found))}"
            yield Problem(place_of(chart, "apiVersion"), f"chart {chart.name} {says}")
