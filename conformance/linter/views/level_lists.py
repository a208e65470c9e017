"""What each level asks for: all rules and checks, as docs/levels.md has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from conformance.linter.findings import Severity
from conformance.linter.levels import HIGHEST, LEVELS, STATIC

if TYPE_CHECKING:
    from conformance.linter.rule import Requirement

_KINDS = {Severity.ERROR: "an error", Severity.WARNING: "a warning", Severity.NOTE: "a note"}


def level_lists(requirements: Iterable[Requirement]) -> str:
    """Return a section in Markdown for each level from 1 on: its sentence, its rules or checks.

    What costs the level comes first, then what is only warned of or noted.
    """
    known = list(requirements)
    lines: list[str] = []
    for level in range(1, HIGHEST + 1):
        lines += [f"## Level {level}", "", LEVELS[level], ""]
        lines += _table([one for one in known if one.level == level], level)
        lines.append("")
    return "\n".join(lines).rstrip("\n") + "\n"


def _table(requirements: Iterable[Requirement], level: int) -> Iterator[str]:
    if level > STATIC:
        yield "| Check | What it promises |"
        yield "|---|---|"
        for one in requirements:
            yield f"| `{one.id}` | {one.title} |"
        return
    yield "| Rule | What it wants | A finding is |"
    yield "|---|---|---|"
    order = [*_KINDS]
    for one in sorted(requirements, key=lambda one: order.index(one.severity)):
        yield f"| `{one.id}` | {one.title} | {_KINDS[one.severity]} |"
