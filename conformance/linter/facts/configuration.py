"""What a package sets: each key with its value, however deep, also in files inside of values.

A chart's values often hold whole configuration files as text; these are read as YAML or JSON where
they are that, else line by line (``KEY=value``, ``key = value``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from conformance.linter.access import Path, get, walk
from conformance.linter.app import AppPackage, Release, ValuesSource
from conformance.linter.findings import Place
from conformance.linter.flux import platform
from conformance.linter.flux.substitution import uses
from conformance.linter.manifest import Manifest
from conformance.linter.reading.documents import Document

_NESTED = 3
"""A file in a file in a file: deeper ones nobody writes."""
_LINE = re.compile(
    r"\s*(?:-\s+)?(?:export\s+)?[\"']?([A-Za-z_][\w.-]{0,200})[\"']?\s*(?:=>|=|:(?=\s))\s*(\S.*)"
)
_SECTION = re.compile(r"\s*\[[^\]]*\]\s*$")
_COMMENT = re.compile(r"\s*(#|;|//|--|\*|/\*)")
_CODE = re.compile(r"\w[(\[]|^[({\[]|[{(]$")
"""A value of a program's text, not of a file of settings."""
_FILLED_IN = re.compile(r"[0-9a-f]{32}|\bexample-")
"""What stands for a variable's value, see ``variables`` and ``platform``."""
_TRAILING_COMMENT = re.compile(r"(?:^|\s)#")
_NO_VALUE = re.compile(r"(?:[:=]|:\s*[|>][-+0-9]*)\s*(?:#.*)?$")
_FOLLOWING = 3
"""Lines below a key in which its value may begin."""


@dataclass(frozen=True)
class Setting:
    """A key and its value, which is no mapping, list, truth value or null."""

    key: str
    value: str
    path: Path
    """From the document's root, through files inside of it."""
    group: Path
    """The same for settings that stand beside each other."""
    place: Place


def settings_of(
    document: Document, owner: str, start: Path = (), depth: int = 0
) -> Iterator[Setting]:
    """Yield what a document sets; ``owner`` is the object that the findings are about."""
    for path, value in walk(document.value):
        if not path or not isinstance(value, str | int | float) or isinstance(value, bool):
            continue
        place = Place(document.file, document.line(path), owner)
        if isinstance(value, str) and depth < _NESTED and _is_file(value):
            yield from _file_in(document, path, value, place, start, depth)
            continue
        key, group = str(path[-1]), path[:-1]
        name = get(document.value, *group, "name")
        if key == "value" and isinstance(name, str):
            key, group = name, group[:-1]
        if isinstance(path[-1], int) and len(path) > 1:
            key = str(path[-2])
        yield Setting(key, str(value), (*start, *path), (*start, *group), place)


def _is_file(value: str) -> bool:
    return "\n" in value.strip() or value.lstrip()[:1] in ("{", "[")


def _file_in(
    document: Document, path: Path, value: str, place: Place, start: Path, depth: int
) -> Iterator[Setting]:
    found, problems = document.inner(path)
    structured = [one for one in found if isinstance(one.value, dict | list)]
    if structured and not problems:
        for one in structured:
            yield from settings_of(one, place.object, (*start, *path), depth + 1)
    else:
        yield from _lines(value, (*start, *path), place)
    if "PRIVATE KEY" in value:
        yield Setting(str(path[-1]), value, (*start, *path), (*start, *path[:-1]), place)


def _lines(value: str, path: Path, place: Place) -> Iterator[Setting]:
    section = 0
    for number, line in enumerate(value.splitlines()):
        if _SECTION.match(line):
            section += 1
        match = None if _COMMENT.match(line) else _LINE.match(line[:10_000])
        if match:
            content = match[2].rstrip(" ,;")
            if content[:1] in ("'", '"'):
                content = content[1:].split(content[0])[0]
            else:
                content = re.split(r"\s#", content)[0].strip()
            if _CODE.search(content):
                continue
            # Right if the text is a literal block, as files are; ``Lines.located`` finds out.
            at = replace(place, line=place.line + 1 + number)
            group = (*path, section)
            yield Setting(match[1], content, (*group, match[1]), group, at)


def values_settings(app: AppPackage) -> Iterator[tuple[Release, ValuesSource, Setting]]:
    """Yield what each link of each HelmRelease's chain of values sets."""
    for release in app.releases:
        for source in release.sources:
            if source.document is not None:
                owner = str(source.manifest or release.manifest)
                for setting in settings_of(source.document, owner):
                    yield release, source, setting


def object_settings(manifest: Manifest, *path: str) -> Iterator[Setting]:
    """Yield what an object sets below ``path``."""
    document = manifest.document or Document(manifest.file, manifest.value)
    if document.has(path):
        yield from settings_of(document.part(path), str(manifest), path)


class Lines:
    """The files of an app as written, variables not filled in."""

    def __init__(self, app: AppPackage) -> None:
        self._app = app
        self._lines: dict[str, list[str] | None] = {}

    def at(self, file: str, line: int) -> str:
        """Return a line, counted from 1; empty if there is none."""
        lines = self._of(file) or []
        return lines[line - 1] if 0 < line <= len(lines) else ""

    def written(self, place: Place, value: str) -> bool:
        """Return whether ``value`` itself stands at ``place``: it comes of no variable."""
        if self._of(place.file) is None:
            return not _FILLED_IN.search(value)
        first = value.strip().splitlines()[0] if value.strip() else ""
        line = self.at(place.file, place.line)
        if not first or _stands_in(line, first):
            return bool(first)
        below = range(1, _FOLLOWING + 1 if _NO_VALUE.search(line) else 1)
        return any(_stands_in(self.at(place.file, place.line + n), first, 0) for n in below)

    def located(self, setting: Setting) -> Place:
        """Return where a setting stands; its own place is a guess in files inside of values."""
        place = setting.place
        lines = self._of(place.file) or []
        if setting.key in self.at(place.file, place.line):
            return place
        first = setting.value.strip().splitlines()[0] if setting.value.strip() else ""
        for number, line in enumerate(lines, 1):
            if setting.key in line and first in line:
                return replace(place, line=number)
        return place

    def undefined(self, place: Place) -> bool:
        """Return whether the line uses a variable that nothing defines: another rule says so."""
        sources = [one for k in self._app.kustomizations for one in k.sources]
        return bool(sources) and not all(
            any(
                name in one.variables or platform.provides_variable(one.name, name)
                for one in sources
            )
            for name in self.variables(place)
        )

    def variables(self, place: Place) -> list[str]:
        """Return the names of the ``${variables}`` in a line."""
        return [use.name for use in uses(self.at(place.file, place.line))]

    def _of(self, file: str) -> list[str] | None:
        if file not in self._lines:
            text = self._app.texts.get(file)
            for chart in self._app.charts if text is None else ():
                start = "" if chart.folder == "." else f"{chart.folder}/"
                if file.startswith(start):
                    text = chart.text(file.removeprefix(start))
                if text is not None:
                    break
            self._lines[file] = None if text is None else text.splitlines()
        return self._lines[file]


def _stands_in(line: str, value: str, start: int | None = None) -> bool:
    """Return whether a line has a value, after its key and before any comment."""
    if start is None:
        match = re.search(r"[:=]\s*|-\s+", line)
        start = match.end() if match else 0
    found = line.find(value, start)
    return found >= 0 and not _TRAILING_COMMENT.search(line, start, found)
