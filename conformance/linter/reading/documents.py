"""YAML as documents with line numbers, read with limits.

Values are what Kubernetes makes of YAML: JSON. Keys are strings, a timestamp is a string, a
tag that nobody knows is ignored. The events of the parser are read one by one, so neither deep
nesting nor aliases that stand for ever more aliases cost anything before they are refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from conformance.linter.access import Path
from conformance.linter.findings import Place, Problem
from conformance.linter.limits import Limits
from conformance.linter.reading import composer, spots
from conformance.linter.reading.scalars import Value

_PROBLEMS = 20
"""How many problems of one text are told; the rest would say nothing new."""
_SPLIT = "Split the file into several."
_NEXT_DOCUMENT = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_ILLEGAL = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What YAML 1.2, section 5.1, does not allow in a file."""
_DEFAULT = Limits()


@dataclass(frozen=True, eq=False)
class Document:
    """One YAML document of a file."""

    file: str
    """Relative to PATH."""
    value: Value
    """Mappings, lists, strings, numbers, booleans, None."""
    _spot: spots.Spot = field(default=0, repr=False)
    """Where each part of the value is written: lines in the shape of the value."""

    def line(self, path: Path = ()) -> int:
        """Return the line, counted from 1, of the key (or list item) at ``path``.

        Where there is nothing, it is the line of the nearest thing around it.
        """
        spot = self._spot
        line = spots.line_of(spot)
        for key in path:
            inner = spots.child(spot, key)
            if inner is None:
                break
            spot = inner
            line = spots.line_of(spot)
        return line

    def has(self, path: Path) -> bool:
        """Whether there is anything at ``path``, be it null."""
        value = self.value
        for key in path:
            if isinstance(key, int):
                if not isinstance(value, list) or not 0 <= key < len(value):
                    return False
            elif not isinstance(value, Mapping) or key not in value:
                return False
            value = value[key]
        return True

    def part(self, path: Path) -> Document:
        """Return what is at ``path`` as a document of its own, with the same lines."""
        value, spot = self.value, self._spot
        for key in path:
            value = value[key] if self.has(path) else None
            spot = spots.child(spot, key) or spots.line_of(spot)
        return Document(self.file, value, spot)

    def changed(self, value: Value) -> Document:
        """Return the document with another value; what is new has the line of what is around it."""
        return Document(self.file, value, spots.moved(self.value, value, self._spot))

    def line_in(self, path: Path, offset: int) -> int:
        """Return the line of the character ``offset`` of the text at ``path``, as far as known."""
        first = spots.content_line(self.part(path)._spot)
        text = self.part(path).value
        if first is None or not isinstance(text, str):
            return self.line(path)
        return first + text.count("\n", 0, offset)

    def inner(self, path: Path, limits: Limits = _DEFAULT) -> tuple[list[Document], list[Problem]]:
        """Parse the text at ``path`` as YAML, as in a ConfigMap's ``data["values.yaml"]``.

        The lines are the file's if the text is written as a literal block (``|``); else every line
        is that of the key.
        """
        value = self.value
        if not self.has(path):
            return [], []
        spot: spots.Spot | None = self._spot
        for key in path:
            value = value[key]
            spot = None if spot is None else spots.child(spot, key)
        if not isinstance(value, str):
            return [], []
        first = None if spot is None else spots.content_line(spot)
        if first is None:
            return _parse(value, _Source(self.file, self.line(path), fixed=True), limits)
        return _parse(value, _Source(self.file, first), limits)


def parse(
    text: str, file: str, limits: Limits = _DEFAULT, *, first_line: int = 1
) -> tuple[list[Document], list[Problem]]:
    """Return the YAML documents of ``text``, and what is wrong with it. Empty ones are dropped.

    A document that is broken is left out, the ones before and after it are not. ``first_line`` is
    the number of the first line of ``text`` in ``file``. Never raises.
    """
    return _parse(text, _Source(file, first_line), limits)


@dataclass(frozen=True)
class _Source:
    """Where a text comes from."""

    file: str
    first_line: int
    fixed: bool = False
    """Whether everything in it is on that one line."""

    def number(self, line: int) -> int:
        """Return the file's line, counted from 1, for one of the text, counted from 0."""
        return self.first_line if self.fixed else self.first_line + line

    def shifted(self, lines: int) -> _Source:
        """Return the same source for the text without its first ``lines``."""
        return _Source(self.file, self.number(lines), self.fixed)

    def problem(self, line: int, message: str, fix: str = "") -> Problem:
        """Return a problem at a line of the text, counted from 0."""
        return Problem(Place(self.file, self.number(line)), message, fix)


def _parse(text: str, source: _Source, limits: Limits) -> tuple[list[Document], list[Problem]]:
    text = text.removeprefix("\ufeff")
    documents: list[Document] = []
    problems: list[Problem] = []
    illegal = _ILLEGAL.search(text)
    if illegal:
        problems.append(
            source.problem(
                text.count("\n", 0, illegal.start()),
                f"the file contains the character U+{ord(illegal.group()):04X}, which "
                "YAML does not allow: no tool will read the file",
            )
        )
        text = _ILLEGAL.sub("\ufffd", text)
    start = count = 0
    while len(problems) < _PROBLEMS:
        rest = text[start:] if start else text
        here = source.shifted(text.count("\n", 0, start))
        composition = composer.Composer(rest, limits, here.number)
        broken = False
        try:
            for line, value, spot in composition.documents():
                count += 1
                if count > limits.documents:
                    problems.append(here.problem(line, _too_many(limits), _SPLIT))
                    return documents, problems
                if value is not None:
                    documents.append(Document(source.file, value, spot))
        except composer.BrokenError as error:
            broken = True
            problems.append(here.problem(error.line, error.message, error.fix))
            count += 1
        problems.extend(here.problem(*complaint) for complaint in composition.complaints)
        # A broken document ends where the next one starts.
        following = _NEXT_DOCUMENT.search(rest, max(1, composition.started))
        if not broken or following is None:
            break
        start += following.start()
    return documents, sorted(problems, key=lambda problem: problem.place.line)[:_PROBLEMS]


def _too_many(limits: Limits) -> str:
    return f"more than {limits.documents} YAML documents: the rest is not read"
