"""Between ``--previous`` and this: the chart's version, its values, and the app's version."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from conformance.linter.access import Path, get, mapping, text
from conformance.linter.facts.changes import against_previous
from conformance.linter.findings import NotRun, Place

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage, Chart


REFERENCES = 20
"""A schema's reference that leads to a reference, so many times, leads nowhere."""


@against_previous
def both_charts(before: AppPackage, app: AppPackage) -> Iterator[tuple[Chart, Chart] | NotRun]:
    """Yield each chart that was and is there, and why others are not compared."""
    old = {chart.name: chart for chart in before.charts}
    alone = before.charts[0] if len(before.charts) == len(app.charts) == 1 else None
    for chart in app.charts:
        one = old.get(chart.name, alone)
        if one is not None:
            yield one, chart
        elif any(release.chart is None for release in before.releases):
            yield NotRun(f"chart {chart.name} is not in --previous")
    for release in app.releases:
        if release.chart is None:
            yield NotRun(release.chart_missing)


def values_place(chart: Chart, path: Path) -> Place:
    """Return where a default of a chart is written."""
    if chart.values is None:
        return Place(chart.path("values.yaml"))
    return Place(chart.values.file, chart.values.line(path))


def defaults_of(chart: Chart) -> Mapping[str, Any]:
    """Return a chart's defaults."""
    return mapping(chart.values.value) if chart.values is not None else {}


def missing(was: Mapping[str, Any], now: Mapping[str, Any], path: Path = ()) -> Iterator[Path]:
    """Yield each path that was there and is not there now."""
    for key, value in was.items():
        if key not in now:
            yield (*path, key)
        elif isinstance(value, Mapping) and isinstance(now[key], Mapping):
            yield from missing(value, now[key], (*path, key))


def refused_by(chart: Chart, path: Path) -> bool:
    """Return whether the chart's schema allows no value at ``path``."""
    try:
        root = json.loads(chart.text("values.schema.json") or "{}")
    except (ValueError, RecursionError):
        return False
    node = root
    for index, key in enumerate(path):
        node = resolved(root, node)
        known = mapping(get(node, "properties"))
        if key in known:
            node = known[str(key)]
        else:
            last = index == len(path) - 1
            closed = get(node, "additionalProperties") is False
            return last and closed and not get(node, "patternProperties")
    return False


def resolved(root: object, node: object) -> object:
    """Return what a reference inside the schema stands for."""
    for _ in range(REFERENCES):
        reference = text(get(node, "$ref"))
        if not reference.startswith("#/"):
            break
        node = get(root, *reference[2:].split("/"))
    return node
