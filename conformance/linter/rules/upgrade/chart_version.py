"""The chart's version rises whenever the chart changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from conformance.linter.facts.changes import both_releases, version
from conformance.linter.findings import NotRun, Place, Problem, quoted
from conformance.linter.rule import rule
from conformance.linter.rules.upgrade.shared_values import both_charts

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage, Chart


@rule("upgrade.chart-version", level=3)
def chart_version(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each chart of which the version stays, or falls."""
    for both in both_charts(app):
        if isinstance(both, NotRun):
            if app.releases and app.previous and app.previous.releases:
                continue
            yield both
            continue
        old, new = both
        was, now = version(old.version), version(new.version)
        place = Place(new.metadata.file, new.metadata.line(("version",)))
        if was is not None and now is not None and now < was:
            yield Problem(
                place,
                f"version of chart {new.name} is {quoted(new.version)}, and was "
                f"{quoted(old.version)}: servers that have the app go back to an older chart",
            )
        elif old.version == new.version and _needs_version(app, new):
            changed = _changed(old, new)
            if changed:
                yield Problem(
                    place,
                    f"chart {new.name} has changed ({changed}) but has the same version "
                    f"{quoted(new.version)}: servers that have the app never get it",
                )
    yield from _remote_versions(app)


def _needs_version(app: AppPackage, chart: Chart) -> bool:
    """Return whether Flux, or whoever installs the chart, goes by its version."""
    using = [one for one in app.releases if one.chart is chart]
    strategies = [one.manifest.get("spec", "chart", "spec", "reconcileStrategy") for one in using]
    return not strategies or any(one != "Revision" for one in strategies)


def _changed(old: Chart, new: Chart) -> str:
    """Return the name of a file that matters and differs; empty if all are the same."""
    for file in sorted({*old.files, *new.files}):
        matters = not file.startswith("ci/") and PurePosixPath(file).suffix != ".md"
        if matters and old.files.get(file) != new.files.get(file):
            return file if file != "Chart.yaml" or old.metadata.value != new.metadata.value else ""
    return ""


def _remote_versions(app: AppPackage) -> Iterator[Problem]:
    """Yield charts from elsewhere that go back."""
    path = ("spec", "chart", "spec", "version")
    for old, new in both_releases(app):
        if new.chart is None:
            was, now = version(old.manifest.get(*path)), version(new.manifest.get(*path))
            if was is not None and now is not None and now < was:
                yield Problem(
                    new.manifest.place(*path),
                    f"the chart's version is {quoted(new.manifest.get(*path))}, and was "
                    f"{quoted(old.manifest.get(*path))}: servers that have the app go back",
                )
