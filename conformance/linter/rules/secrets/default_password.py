"""A chart has no default password."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from conformance.linter.access import get
from conformance.linter.facts.configuration import (
    Setting,
    settings_of,
)
from conformance.linter.findings import NotRun, Problem
from conformance.linter.rule import rule
from conformance.linter.rules.secrets.shared import charts_elsewhere, is_off, literals

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage, Chart


@rule("secrets.default-password", level=3)
def default_password(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each credential among a chart's defaults that not every HelmRelease replaces."""
    for chart in app.charts:
        if chart.values is None:
            continue
        releases = [one for one in app.releases if one.chart is chart]
        settings = [
            one
            for one in settings_of(chart.values, "")
            if _is_default(chart, one, [release.values for release in releases])
        ]
        yield from literals(app, settings, "in the chart's default values")
    yield from charts_elsewhere(app, "whether it has a default password")


def _is_default(chart: Chart, one: Setting, releases: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether a default of a chart counts: for a release, or where there is none."""
    return any(
        get(values, *one.path) in (None, one.value) and not is_off(chart, values, one)
        for values in releases or [{}]
    )
