"""Values that people may have set still have an effect."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from conformance.linter.access import Path, get, mapping, sequence, text
from conformance.linter.facts.changes import dotted
from conformance.linter.findings import NotRun, Problem, Severity, quoted
from conformance.linter.rule import rule
from conformance.linter.rules.upgrade.shared_values import (
    both_charts,
    defaults_of,
    missing,
    refused_by,
    values_place,
)

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage, Chart


_TOP = re.compile(r'Values(?:\.|\s{1,9}")([A-Za-z_][\w-]*)')
_ALL = re.compile(r'Values(?![\w.]|\s{1,9}")')
_INNER = re.compile(r'[."]([A-Za-z_][\w-]*)(?=(\.?))')
_NO_TEMPLATES = re.compile(r"(ci|crds)/.*|.*\.md|Chart\.yaml|values\.schema\.json", re.DOTALL)


@rule("upgrade.value-dropped", level=3, severity=Severity.WARNING)
def value_dropped(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each value that no template reads any more, or that is of another kind."""
    for both in both_charts(app):
        if isinstance(both, NotRun):
            yield both
            continue
        old, new = both
        for path in _dropped(old, new):
            if not refused_by(new, path):
                yield Problem(
                    values_place(new, path),
                    f"chart {new.name} had a value {quoted(dotted(path))}, but no template reads "
                    "it any more: people's setting is lost",
                )
        for path, was, now in _other_kinds(old, new):
            yield Problem(
                values_place(new, path),
                f"value {quoted(dotted(path))} of chart {new.name} was {was}, and is {now} now: "
                "people's setting no longer fits",
            )


def _dropped(old: Chart, new: Chart) -> Iterator[Path]:
    """Yield the topmost values that templates read, and read no more."""
    was, now = _Reads(old), _Reads(new)
    for path in missing(defaults_of(old), defaults_of(new)):
        if was.knows(path) and not now.knows(path):
            yield path


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


def _other_kinds(old: Chart, new: Chart) -> Iterator[tuple[Path, str, str]]:
    """Yield values that were a mapping and are none now, or the other way round."""
    stack: list[tuple[Path, Mapping[str, Any], Mapping[str, Any]]] = [
        ((), defaults_of(old), defaults_of(new))
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
