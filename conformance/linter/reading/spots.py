"""The lines of a document's values."""

from __future__ import annotations

from typing import cast

from conformance.linter.access import Key
from conformance.linter.reading.scalars import Value

Spot = int | tuple[int, "dict[str, Spot] | list[Spot] | int"]
"""The lines of a value, in its shape. Of a scalar: its line. Of a mapping or list: its line and
those of its members. Of a literal block: its line and that of its first line of text."""


def line_of(spot: Spot) -> int:
    """Return the line of what a spot stands for."""
    return spot if isinstance(spot, int) else spot[0]


def child(spot: Spot, key: Key) -> Spot | None:
    """Return the spot of a member; None if there is none."""
    members = None if isinstance(spot, int) else spot[1]
    if isinstance(members, dict):
        return members.get(cast(str, key))
    if isinstance(members, list) and isinstance(key, int) and 0 <= key < len(members):
        return members[key]
    return None


def moved(old: Value, new: Value, spot: Spot) -> Spot:
    """Return the lines of ``new``, which was made of ``old``: members of lists may have moved."""
    if new is old or isinstance(spot, int):
        return spot
    if isinstance(old, dict) and isinstance(new, dict) and isinstance(spot[1], dict):
        there = spot[1]
        kept = {key: moved(old[key], new[key], there[key]) for key in new if key in there}
        return spot[0], kept
    if isinstance(old, list) and isinstance(new, list) and isinstance(spot[1], list):
        lines: list[Spot] = []
        for number, item in enumerate(new):
            at = _index(old, item, number)
            lines.append(spot[0] if at is None else moved(old[at], item, spot[1][at]))
        return spot[0], lines
    return spot if new == old else spot[0]


def _index(old: list[Value], item: Value, number: int) -> int | None:
    """Return where a member of a list was: the same one, or one of the same name."""
    name = item.get("name") if isinstance(item, dict) else None
    for at, one in enumerate(old):
        if one is item or (name is not None and isinstance(one, dict) and one.get("name") == name):
            return at
    return number if name is None and number < len(old) else None


def content_line(spot: Spot) -> int | None:
    """Return the line on which the text of a literal block starts; None for anything else."""
    return spot[1] if isinstance(spot, tuple) and isinstance(spot[1], int) else None
