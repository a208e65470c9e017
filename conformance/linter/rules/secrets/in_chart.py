"""No password is written in a chart's templates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.findings import NotRun, Place, Problem, quoted
from conformance.linter.helm.chart_text import literal_credentials
from conformance.linter.rule import rule
from conformance.linter.rules.secrets.shared import charts_elsewhere

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("secrets.in-chart", level=3)
def in_chart(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each credential in a template, and in the files that it may put into a ConfigMap."""
    for chart in app.charts:
        for one in literal_credentials(chart):
            message = f"{quoted(one.key)} has its value written in the chart"
            yield Problem(Place(one.file, one.line), message)
    yield from charts_elsewhere(app, "whether a password is written in its templates")
