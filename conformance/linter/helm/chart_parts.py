"""What a chart consists of beside its templates: the charts it depends on, the values it reads."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.linter.access import Path, get, mapping, sequence, text
from conformance.linter.app import Chart
from conformance.linter.findings import Place
from conformance.linter.reading.documents import Document, parse

_ARCHIVE = re.compile(r"charts/(?P<name>[^/]+?)-(?P<version>v?[0-9][^/]*)\.tgz")
_FOLDER = re.compile(r"charts/[^/]+/Chart\.yaml")
_MOST = 2000
"""Values of a chart that are compared; charts have some hundred."""


@dataclass(frozen=True)
class Dependency:
    """A chart that another one depends on."""

    name: str
    alias: str
    version: str
    """A constraint, as written."""
    place: Place
    conditions: tuple[str, ...] = ()
    """Paths of values: the first that is there says whether Helm uses the chart."""
    tags: tuple[str, ...] = ()
    """Keys of ``tags`` in the values, one of which has to be true if any is there."""


def declared(chart: Chart) -> list[Dependency]:
    """Return what ``Chart.yaml``, or ``requirements.yaml`` of Helm 2, says the chart depends on."""
    document = chart.metadata
    if get(document.value, "apiVersion") == "v1":
        document = _document(chart, "requirements.yaml") or Document(document.file, {})
    found = []
    for index, one in enumerate(sequence(get(document.value, "dependencies"))):
        name, alias = text(get(one, "name")), text(get(one, "alias"))
        place = Place(document.file, document.line(("dependencies", index)))
        conditions = tuple(part.strip() for part in text(get(one, "condition")).split(","))
        tags = tuple(map(text, sequence(get(one, "tags"))))
        version = str(get(one, "version") or "")
        found.append(Dependency(name, alias, version, place, conditions, tags))
    return found


def is_used(one: Dependency, chart: Chart, values: Mapping[str, Any]) -> bool:
    """Return whether Helm uses a dependency with these values, laid over the chart's own.

    https://helm.sh/docs/topics/charts/#tags-and-condition-fields-in-dependencies
    """
    defaults = chart.values.value if chart.values is not None else {}

    def value(*path: str) -> Any:
        given = get(values, *path)
        return get(defaults, *path) if given is None else given

    for condition in one.conditions:
        decided = value(*condition.split("."))
        if condition and isinstance(decided, bool):
            return decided
    tagged = [value("tags", tag) for tag in one.tags]
    return True in tagged or False not in tagged


def vendored(chart: Chart) -> Mapping[str, set[str]]:
    """Return the charts in ``charts/``: name -> versions."""
    found: dict[str, set[str]] = {}
    for file in chart.files:
        archive = _ARCHIVE.fullmatch(file)
        if archive:
            found.setdefault(archive["name"], set()).add(archive["version"])
        elif _FOLDER.fullmatch(file):
            document = _document(chart, file)
            if document is not None:
                name = text(get(document.value, "name"))
                found.setdefault(name, set()).add(str(get(document.value, "version") or ""))
    return found


def absent(chart: Chart, values: Mapping[str, Any]) -> list[str]:
    """Return why not everything can be rendered, a sentence for each dependency that is missing.

    One that the values switch off is not missed.
    """
    found = vendored(chart)
    return [
        f"chart {one.name}, which chart {chart.name} depends on, is not in the package"
        for one in declared(chart)
        if one.name and one.name not in found and is_used(one, chart, values)
    ]


def misspelt(chart: Chart, values: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Yield values that no template reads, and what may have been meant.

    Only where ``values.yaml`` has a value of almost the same name beside it that templates mention,
    and this one they do not: charts may read values that they have no default for, and whole
    mappings whose names are for whoever installs the chart to choose.
    """
    known = mapping(chart.values.value) if chart.values is not None else {}
    subcharts = {one.alias or one.name for one in declared(chart)} | set(vendored(chart))
    skipped = subcharts | {"global"}
    mentioned = _words(chart)
    looked = 0
    waiting: list[tuple[Path, Mapping[str, Any], Mapping[str, Any]]] = [((), values, known)]
    while waiting and looked < _MOST:
        path, given, defaults = waiting.pop()
        for key, value in given.items():
            looked += 1
            here = (*path, key)
            if not path and key in skipped:
                continue
            if key in defaults:
                if isinstance(value, Mapping) and isinstance(defaults[key], Mapping):
                    waiting.append((here, value, defaults[key]))
            elif defaults and str(key) not in mentioned and looked < _MOST:
                others = [other for other in defaults if other not in given and other in mentioned]
                name = str(key)[:60]
                same = [other for other in others if str(other).lower() == name.lower()]
                near = same or difflib.get_close_matches(name, others, 1, 0.8)
                if near:
                    yield here, near[0]


def _words(chart: Chart) -> set[str]:
    """Return all words in a chart's templates."""
    words: set[str] = set()
    for file in chart.files:
        if file.startswith("templates/"):
            words |= set(re.findall(r"[A-Za-z_][\w-]*", chart.text(file) or ""))
    return words


def _document(chart: Chart, file: str) -> Document | None:
    written = chart.text(file)
    documents = parse(written, chart.path(file))[0] if written is not None else []
    return documents[0] if documents else None
