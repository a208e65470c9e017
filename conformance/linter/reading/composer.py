"""From the events of a YAML parser to values and their lines, within limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from conformance.linter.findings import quoted
from conformance.linter.limits import Limits
from conformance.linter.reading.scalars import Value, key_text, resolve, tagged
from conformance.linter.reading.spots import Spot, line_of
from conformance.linter.reading.syntax import explained

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Event = Any
"""An event of PyYAML's: its marks are always there, which its types do not say."""

_MERGE = "<<"
_MERGE_KEY = object()
_NO_KEY = object()
_NO_SCALAR = object()


class BrokenError(Exception):
    """A document that cannot be read; ``line`` counts from 0 in the text."""

    def __init__(self, line: int, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.line = line
        self.message = message
        self.fix = fix
        """What to do, where it is more than to correct a mistake."""


class _Open:
    """A mapping or list that is being read."""

    __slots__ = (
        "anchor",
        "characters",
        "height",
        "key",
        "key_line",
        "line",
        "merges",
        "nodes",
        "spots",
        "value",
    )

    def __init__(self, event: _Event, nodes: int, characters: int) -> None:
        mapping = type(event) is MappingStartEvent
        self.value: Value = {} if mapping else []
        self.spots: Any = {} if mapping else []
        self.line = event.start_mark.line
        self.anchor = event.anchor
        self.height = 1
        self.key: Any = _NO_KEY
        self.key_line = 0
        self.merges: list[tuple[dict[str, Any], dict[str, Spot]]] = []
        self.nodes = nodes
        self.characters = characters


@dataclass(frozen=True, slots=True)
class _Anchored:
    """What an alias stands for, and what it adds to a document."""

    value: Value
    spot: Spot
    nodes: int
    characters: int
    height: int


class Composer:
    """Reads the documents of a text."""

    def __init__(self, text: str, limits: Limits, number: Callable[[int], int]) -> None:
        """``number`` gives the file's line, counted from 1, for one of the text, from 0."""
        self._text = text
        self._limits = limits
        self._number = number
        self.complaints: list[tuple[int, str]] = []
        """Lines and what is wrong there, of documents that can be read all the same."""
        self.started = 0
        """The character after the start of the document that is being read."""
        self._line = 0

    def documents(self) -> Iterator[tuple[int, Value, Spot]]:
        """Yield each document's first line, its value and its lines.

        Raises BrokenError at the first that cannot be read.
        """
        loader = _LOADER(self._text)
        try:
            event: _Event = loader.get_event()
            while type(event) is not StreamEndEvent:
                if type(event) is DocumentStartEvent:
                    start: Any = event.end_mark
                    self._line = line = start.line
                    self.started = start.index
                    reader = _Reader(self._limits, self._number, self.complaints)
                    end = reader.read(loader)
                    self._line = end.line
                    self.started = end.index + 1
                    yield line, reader.value, reader.spot
                event = loader.get_event()
        except yaml.MarkedYAMLError as error:
            line, message = explained(error, self._text, self._line)
            raise BrokenError(line, f"not valid YAML: {message}") from None
        except (yaml.YAMLError, ValueError) as error:
            raise BrokenError(self._line, f"not valid YAML: {str(error)[:120]}") from None
        finally:
            loader.dispose()


class _Reader:
    """Reads one document."""

    def __init__(
        self, limits: Limits, number: Callable[[int], int], complaints: list[tuple[int, str]]
    ) -> None:
        self.value: Value = None
        self.spot: Spot = number(0)
        self._limits = limits
        self._number = number
        self._complaints = complaints
        self._first_complaint = len(complaints)
        self._stack: list[_Open] = []
        self._anchors: dict[str, _Anchored | None] = {}
        """None: what it stands for is still being read."""
        self._nodes = 0
        self._characters = 0

    def read(self, loader: Any) -> Any:
        """Read all events of the document; return the mark where it ends."""
        try:
            return self._read(loader)
        except (BrokenError, yaml.YAMLError):
            # A cause is seldom where the parser gives up: what looked odd before that says more.
            if len(self._complaints) > self._first_complaint:
                line, message = self._complaints[self._first_complaint]
                del self._complaints[self._first_complaint :]
                raise BrokenError(line, message) from None
            raise

    def _read(self, loader: Any) -> Any:
        limits = self._limits
        while True:
            event = loader.get_event()
            kind = type(event)
            if kind is ScalarEvent:
                self._scalar(event)
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                self._open(event)
            elif kind is AliasEvent:
                self._alias(event)
            elif kind is DocumentEndEvent:
                return event.end_mark
            else:
                self._close()
            if self._nodes > limits.nodes or self._characters > limits.characters:
                raise self._too_big(event.start_mark.line)

    def _scalar(self, event: _Event) -> None:
        value: Value = event.value
        line = event.start_mark.line
        number = self._number(line)
        spot: Spot = number
        size = len(value)
        self._nodes += 1
        self._characters += size
        if event.implicit[0]:
            if value == _MERGE and self._stack and self._stack[-1].key is _NO_KEY:
                value = _MERGE_KEY
            else:
                value = resolve(value)
        elif event.tag is not None:
            value = tagged(event.tag, value)
        elif event.style == "|":
            spot = (number, self._number(line + 1))
        if event.anchor is not None:
            known = event.value if value is _MERGE_KEY else value
            self._anchors[event.anchor] = _Anchored(known, spot, 1, size, 0)
        self._add(value, spot, line, 0)

    def _open(self, event: _Event) -> None:
        if len(self._stack) >= self._limits.depth:
            raise self._too_deep(event.start_mark.line)
        self._stack.append(_Open(event, self._nodes, self._characters))
        self._nodes += 1
        if event.anchor is not None:
            self._anchors[event.anchor] = None

    def _close(self) -> None:
        closed = self._stack.pop()
        if closed.merges:
            _merge(closed)
        spot: Spot = (self._number(closed.line), closed.spots)
        if closed.anchor is not None:
            nodes = self._nodes - closed.nodes
            characters = self._characters - closed.characters
            known = _Anchored(closed.value, spot, nodes, characters, closed.height)
            self._anchors[closed.anchor] = known
        self._add(closed.value, spot, closed.line, closed.height)

    def _alias(self, event: _Event) -> None:
        line = event.start_mark.line
        name = event.anchor
        if name not in self._anchors:
            raise BrokenError(
                line,
                f"*{name[:40]} refers to &{name[:40]}, which is not defined above; "
                'a value that starts with "*" needs quotes',
            )
        known = self._anchors[name]
        if known is None:
            raise BrokenError(line, f"*{name[:40]} is inside the value that it refers to")
        if len(self._stack) + known.height > self._limits.depth:
            raise self._too_deep(line)
        self._nodes += known.nodes
        self._characters += known.characters
        self._add(known.value, known.spot, line, known.height)

    def _add(self, value: Value, spot: Spot, line: int, height: int) -> None:
        """Put a value into the mapping or list that is being read."""
        if not self._stack:
            self.value, self.spot = value, spot
            return
        parent = self._stack[-1]
        if parent.key is _MERGE_KEY:
            # What is merged moves up to its keys.
            height -= 2 if isinstance(value, list) else 1
        if height >= parent.height:
            parent.height = height + 1
        if type(parent.value) is list:
            parent.value.append(value)
            parent.spots.append(spot)
        elif parent.key is _NO_KEY:
            parent.key, parent.key_line = self._key(value, line), line
        else:
            key, parent.key = parent.key, _NO_KEY
            if key is _MERGE_KEY:
                self._add_merge(parent, value, spot, line)
            elif key is not _NO_SCALAR:
                self._add_member(parent, key, value, spot)

    def _key(self, value: Value, line: int) -> object:
        if value is _MERGE_KEY:
            return value
        if not isinstance(value, dict | list):
            return key_text(value)
        self._complain(
            line,
            "a key is a mapping or a list, which Kubernetes cannot read; "
            'a value that starts with "{" needs quotes',
        )
        return _NO_SCALAR

    def _add_member(self, parent: _Open, key: str, value: Value, spot: Spot) -> None:
        if key in parent.value:
            first = line_of(parent.spots[key])
            self._complain(
                parent.key_line,
                f"key {quoted(key)} is there twice, first on line {first}: Flux refuses the file, "
                "other tools drop one of the two",
            )
        parent.value[key] = value
        line = self._number(parent.key_line)
        parent.spots[key] = line if isinstance(spot, int) else (line, spot[1])

    def _add_merge(self, parent: _Open, value: Value, spot: Spot, line: int) -> None:
        """Note what a ``<<`` key adds."""
        members: Any = None if isinstance(spot, int) else spot[1]
        pairs = [(value, spot)]
        if isinstance(value, list):
            pairs = list(zip(value, members, strict=True))
        for item, its in pairs:
            if isinstance(item, dict) and isinstance(its, tuple) and isinstance(its[1], dict):
                parent.merges.append((item, its[1]))
            else:
                self._complain(
                    line,
                    '"<<" must be followed by an alias of a mapping, or a list of such aliases',
                )

    def _complain(self, line: int, message: str) -> None:
        self._complaints.append((line, message))

    def _too_deep(self, line: int) -> BrokenError:
        says = f"nested more than {self._limits.depth} levels deep: not read"
        return BrokenError(line, says, "Nest it less deep.")

    def _too_big(self, line: int) -> BrokenError:
        counted = (
            ", counting each alias as the whole value that it refers to" if self._anchors else ""
        )
        says = (
            f"a document of more than {self._limits.nodes} values, or "
            f"{self._limits.characters} characters{counted}: not read"
        )
        return BrokenError(
            line, says, "Split it into several documents, or leave out what is not needed."
        )


def _merge(mapping: _Open) -> None:
    """Add what ``<<`` brings: keys of the mapping itself count more, then those of the first."""
    value: dict[str, Any] = {}
    spots: dict[str, Spot] = {}
    for other, its in reversed(mapping.merges):
        value.update(other)
        spots.update(its)
    value.update(mapping.value)
    spots.update(mapping.spots)
    mapping.value, mapping.spots = value, spots
