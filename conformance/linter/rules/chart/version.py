"""The chart's version has three numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter import semver
from conformance.linter.findings import Problem, Severity, quoted
from conformance.linter.rule import rule
from conformance.linter.rules.chart.shared import metadata_of, place_of

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("chart.version", level=1, severity=Severity.WARNING)
def version(app: AppPackage) -> Iterator[Problem]:
    """Yield each version that Helm has to complete."""
    for chart, _ in metadata_of(app):
        loose = semver.parse(chart.version)
        if loose is not None and not semver.STRICT.fullmatch(chart.version):
            whole = ".".join(map(str, loose.numbers))
            yield Problem(
                place_of(chart, "version"),
                f"version {quoted(chart.version)} of chart {chart.name} is not a full version",
                f"Write {whole}." if loose.final else "",
            )
