"""What several rules of the family chart share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from conformance.linter.findings import Place

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage, Chart


def metadata_of(app: AppPackage) -> Iterator[tuple[Chart, Mapping[str, Any]]]:
    """Yield the charts whose ``Chart.yaml`` Helm can read, and what is in it."""
    for chart in app.charts:
        value = chart.metadata.value
        if isinstance(value, Mapping) and value:
            yield chart, value


def place_of(chart: Chart, key: str = "") -> Place:
    """Return where a key of Chart.yaml stands; without one, the file."""
    line = chart.metadata.line((key,) if key else ())
    return Place(chart.path("Chart.yaml"), line)
