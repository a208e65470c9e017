"""The charts that the chart depends on are in its folder charts/."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.findings import Problem
from conformance.linter.helm.chart_parts import declared, is_used, vendored
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("chart.dependencies", level=2)
def dependencies(app: AppPackage) -> Iterator[Problem]:
    """Yield each dependency that is not there, and that some set of values switches on."""
    for chart in app.charts:
        found = vendored(chart)
        sets = [one.values for one in app.releases if one.chart is chart]
        if not app.releases:
            sets = [one.values for one in app.installations] or [{}]
        folder = "" if chart.folder == "." else f" {chart.folder}"
        for one in declared(chart):
            used = any(is_used(one, chart, values) for values in sets)
            if one.name and one.name not in found and used:
                yield Problem(
                    one.place,
                    f"chart {chart.name} depends on {one.name} {one.version}".rstrip()
                    + ", which is not in charts/",
                    f"Run `helm dependency build{folder}`.",
                )
