"""The chart has a schema for its values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import mapping
from conformance.linter.findings import Place, Problem, Severity
from conformance.linter.rule import rule
from conformance.linter.rules.chart.shared import metadata_of

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("chart.schema", level=1, severity=Severity.NOTE)
def schema(app: AppPackage) -> Iterator[Problem]:
    """Yield each chart that has values and no schema."""
    for chart, metadata in metadata_of(app):
        values = chart.values is not None and mapping(chart.values.value)
        if metadata.get("type") == "library" or not values:
            continue
        if "values.schema.json" not in chart.files:
            others = [file for file in chart.files if file.startswith("values.schema.")]
            says = f"chart {chart.name} has no values.schema.json"
            if others:
                says += f"; Helm does not read {others[0]}"
            yield Problem(Place(chart.path("values.yaml")), says)
