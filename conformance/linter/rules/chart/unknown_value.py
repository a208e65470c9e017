"""The chart reads every value that is set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import Path
from conformance.linter.findings import NotRun, Place, Problem, Severity, quoted
from conformance.linter.helm.chart_parts import misspelt
from conformance.linter.reading.documents import Document, parse
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage, Chart


@rule("chart.unknown-value", level=2, severity=Severity.WARNING)
def unknown_value(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each value that is almost one of the chart's."""
    for release in app.releases:
        if release.chart is None:
            yield NotRun(release.chart_missing)
            continue
        for path, meant in misspelt(release.chart, release.values):
            yield _unknown(release.chart, path, meant, release.place(*path))
    if not app.releases:
        for installation in app.installations:
            for chart in app.charts:
                document = _ci_document(chart, installation.label)
                for path, meant in misspelt(chart, installation.values):
                    line = 0 if document is None else document.line(path)
                    file = chart.path(installation.label) if document else ""
                    yield _unknown(chart, path, meant, Place(file, line))


def _unknown(chart: Chart, path: Path, meant: str, place: Place) -> Problem:
    name = ".".join(map(str, path))
    says = f"chart {chart.name} has no value {quoted(name)}; did you mean {meant}?"
    return Problem(place, says, f"Write {meant} instead of {quoted(str(path[-1]))}.")


def _ci_document(chart: Chart, label: str) -> Document | None:
    written = chart.text(label)
    documents = parse(written, chart.path(label))[0] if written is not None else []
    return documents[0] if documents else None
