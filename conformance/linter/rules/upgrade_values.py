"""Between ``--previous`` and this: the chart's version, its values, and the app's version."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from conformance.linter.access import Path, get, mapping, sequence, text
from conformance.linter.facts.changes import against_previous, both_releases, dotted, version
from conformance.linter.findings import NotRun, Place, Problem, Severity, quoted
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage, Chart

_TOP = re.compile(r'Values(?:\.|\s{1,9}")([A-Za-z_][\w-]*)')
_ALL = re.compile(r'Values(?![\w.]|\s{1,9}")')
_INNER = re.compile(r'[."]([A-Za-z_][\w-]*)(?=(\.?))')
_NO_TEMPLATES = re.compile(r"(ci|crds)/.*|.*\.md|Chart\.yaml|values\.schema\.json", re.DOTALL)
_REFERENCES = 20
"""A schema's reference that leads to a reference, so many times, leads nowhere."""


@against_previous
def _both_charts(before: AppPackage, app: AppPackage) -> Iterator[tuple[Chart, Chart] | NotRun]:
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


@rule(
    "upgrade.chart-version",
    "The chart's version rises whenever the chart changes",
    level=3,
    why="Flux and the auto-update job recognise a new chart by its version. With the same "
    "version, servers that have the app never get the change; with a lower one, they go back.",
    source="https://fluxcd.io/flux/components/source/helmcharts/#reconcile-strategy",
    fix="Raise version in Chart.yaml: the last number for a fix, the first if people have to do "
    "something.",
    example="""
# Chart.yaml
version: 1.2.1   # was 1.2.0
""",
)
def chart_version(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each chart of which the version stays, or falls."""
    for both in _both_charts(app):
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


@rule(
    "upgrade.value-refused",
    "The schema accepts the values that people may have set",
    level=3,
    why="If people override a value that the new schema does not know, they get no upgrade: Helm "
    "refuses all of the values, and the app stays at its old version.",
    source="https://helm.sh/docs/topics/charts/#schema-files",
    fix="Keep the value in values.schema.json, marked as no longer used, until the next major "
    "version of the chart.",
    example="""
# values.schema.json: "title" is called "siteTitle" now
{"additionalProperties": false, "properties": {"siteTitle": {}, "title": {}}}
""",
)
def value_refused(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each value of before that the schema refuses now."""
    for both in _both_charts(app):
        if isinstance(both, NotRun):
            yield both
            continue
        old, new = both
        for path in _missing(_values(old), _values(new)):
            if _refused(new, path):
                yield Problem(
                    _values_place(new, path),
                    f"value {quoted(dotted(path))} no longer exists, and values.schema.json of "
                    f"chart {new.name} refuses it: people who have set it cannot upgrade",
                )


@rule(
    "upgrade.value-dropped",
    "Values that people may have set still have an effect",
    level=3,
    severity=Severity.WARNING,
    why="People set values in the app's override ConfigMap. A renamed or dropped value is ignored "
    "without a message: the upgrade undoes people's settings.",
    source="https://helm.sh/docs/chart_best_practices/values/",
    fix="Read the old value too, as in {{ .Values.siteTitle | default .Values.title }}, or raise "
    "the chart's major version and tell people.",
    example="""
# values.yaml
siteTitle: ""   # new name
title: ""       # old name, still read where siteTitle is empty
""",
)
def value_dropped(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each value that no template reads any more, or that is of another kind."""
    for both in _both_charts(app):
        if isinstance(both, NotRun):
            yield both
            continue
        old, new = both
        for path in _dropped(old, new):
            if not _refused(new, path):
                yield Problem(
                    _values_place(new, path),
                    f"chart {new.name} had a value {quoted(dotted(path))}, but no template reads "
                    "it any more: people's setting is lost",
                )
        for path, was, now in _other_kinds(old, new):
            yield Problem(
                _values_place(new, path),
                f"value {quoted(dotted(path))} of chart {new.name} was {was}, and is {now} now: "
                "people's setting no longer fits",
            )


def _values_place(chart: Chart, path: Path) -> Place:
    if chart.values is None:
        return Place(chart.path("values.yaml"))
    return Place(chart.values.file, chart.values.line(path))


def _dropped(old: Chart, new: Chart) -> Iterator[Path]:
    """Yield the topmost values that templates read, and read no more."""
    was, now = _Reads(old), _Reads(new)
    for path in _missing(_values(old), _values(new)):
        if was.knows(path) and not now.knows(path):
            yield path


def _values(chart: Chart) -> Mapping[str, Any]:
    return mapping(chart.values.value) if chart.values is not None else {}


def _missing(was: Mapping[str, Any], now: Mapping[str, Any], path: Path = ()) -> Iterator[Path]:
    for key, value in was.items():
        if key not in now:
            yield (*path, key)
        elif isinstance(value, Mapping) and isinstance(now[key], Mapping):
            yield from _missing(value, now[key], (*path, key))


class _Reads:
    """The values that a chart's templates read, as far as their text tells: rather too many."""

    def __init__(self, chart: Chart) -> None:
        self._top: set[str] = set()
        self._inner: set[str] = set()
        self._whole: set[str] = set()
        """Names of values that are used with all that is in them."""
        self._all = False
        """Whether all values are handed on at once."""
        for file in chart.files:
            if not _NO_TEMPLATES.fullmatch(file):
                content = chart.text(file) or ""
                self._top.update(_TOP.findall(content))
                if file != "values.yaml":
                    self._learn(content)
        dependencies = sequence(mapping(chart.metadata.value).get("dependencies"))
        self._charts = {text(get(one, key)) for one in dependencies for key in ("name", "alias")}

    def _learn(self, template: str) -> None:
        self._all = self._all or bool(_ALL.search(template))
        for name, dot in _INNER.findall(template):
            self._inner.add(name)
            if not dot:
                self._whole.add(name)

    def knows(self, path: Path) -> bool:
        """Return whether the value at ``path`` is read, alone or with what is around it."""
        if path[0] in self._charts or self._all:
            return True
        if len(path) == 1:
            return path[0] in self._top
        return path[-1] in self._inner or any(key in self._whole for key in path[:-1])


def _refused(chart: Chart, path: Path) -> bool:
    """Return whether the chart's schema allows no value at ``path``."""
    try:
        root = json.loads(chart.text("values.schema.json") or "{}")
    except (ValueError, RecursionError):
        return False
    node = root
    for index, key in enumerate(path):
        node = _resolved(root, node)
        known = mapping(get(node, "properties"))
        if key in known:
            node = known[str(key)]
        else:
            last = index == len(path) - 1
            closed = get(node, "additionalProperties") is False
            return last and closed and not get(node, "patternProperties")
    return False


def _resolved(root: object, node: object) -> object:
    """Return what a reference inside the schema stands for."""
    for _ in range(_REFERENCES):
        reference = text(get(node, "$ref"))
        if not reference.startswith("#/"):
            break
        node = get(root, *reference[2:].split("/"))
    return node


def _other_kinds(old: Chart, new: Chart) -> Iterator[tuple[Path, str, str]]:
    """Yield values that were a mapping and are none now, or the other way round."""
    stack: list[tuple[Path, Mapping[str, Any], Mapping[str, Any]]] = [
        ((), _values(old), _values(new))
    ]
    while stack:
        path, was, now = stack.pop()
        for key, one in was.items():
            other = now.get(key)
            if isinstance(one, Mapping) and isinstance(other, Mapping):
                stack.append(((*path, key), one, other))
            elif one and other and _kind(one) != _kind(other):
                yield (*path, key), _kind(one), _kind(other)


def _kind(value: object) -> str:
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, list) else "a single value"


@rule(
    "upgrade.app-major",
    "The app is upgraded by one major version at a time",
    level=3,
    severity=Severity.NOTE,
    why="Many apps can migrate the data of the previous major version only: whoever skips one may "
    "have to go back and do every step.",
    source="Stackspin",
    fix="Look in the app's release notes whether it can skip a major version; if not, release a "
    "version of the package for each one.",
    example="""
# Chart.yaml
appVersion: 29.0.8   # was 28.0.14; 30 comes with the next version of the chart
""",
)
def app_major(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each chart whose app skips one."""
    for both in _both_charts(app):
        if isinstance(both, NotRun):
            yield both
            continue
        old, new = (mapping(chart.metadata.value).get("appVersion") for chart in both)
        was, now = version(old), version(new)
        # Above are years: who counts those has no major versions.
        if was and now and was.numbers[0] + 1 < now.numbers[0] < _YEARS:
            metadata = both[1].metadata
            yield Problem(
                Place(metadata.file, metadata.line(("appVersion",))),
                f"appVersion is {quoted(new)}, and was {quoted(old)}: the versions between may "
                "have to be installed first",
            )


_YEARS = 1000
