"""What a terminal can do: colours, and a width that lines are wrapped to.

Plain escape sequences rather than a library, whose import alone would take a tenth of the time that
all of a package's rules do; and nothing in a package can be taken for mark-up.
"""

from __future__ import annotations

import os
import shutil
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import IO

Span = tuple[str, str]
"""A text and its style."""

_STYLES = {
    "bold": "1",
    "dim": "2",
    "place": "36",
    "fix": "32",
    "error": "1;31",
    "warning": "1;33",
    "note": "1;34",
    "waived": "1;35",
    "known": "2",
    "until": "35",
    "not run": "1",
    "cluster": "1",
    "next": "1",
    "pass": "1;32",
    "partial": "1;33",
    "fail": "1;31",
    "passed": "32",
}
_NARROWEST, _WIDEST = 40, 120
"""Columns: what is narrower cannot be wrapped well, wider lines are hard to read."""


@dataclass(frozen=True)
class Look:
    """How a text is shown."""

    colour: bool = False
    width: int | None = None
    """Columns; None: a line is as long as it is, for those who search in it."""

    @classmethod
    def of(cls, stream: IO[str], environment: Mapping[str, str] = os.environ) -> Look:
        """Return what a stream can do; https://no-color.org, and FORCE_COLOR for a CI's log."""
        terminal = stream.isatty() and environment.get("TERM") != "dumb"
        colour = terminal or bool(environment.get("FORCE_COLOR"))
        columns = shutil.get_terminal_size().columns
        return cls(
            colour=colour and not environment.get("NO_COLOR"),
            width=min(max(columns, _NARROWEST), _WIDEST) if terminal else None,
        )

    def styled(self, text: str, style: str) -> str:
        """Return the text in a style; as it is where there are no colours."""
        code = _STYLES.get(style) if self.colour else None
        return f"\x1b[{code}m{text}\x1b[0m" if code and text else text

    def wrapped(self, spans: Iterable[Span], indent: int, between: int = 2) -> str:
        """Return spans, blanks between them; further lines begin ``indent`` columns in."""
        lines: list[list[Span]] = [[]]
        used = indent
        for text, style in spans:
            gap = between
            for word in text.split():
                length = _columns(word)
                if self.width and used > indent and used + gap + length > self.width:
                    lines.append([])
                    used = indent
                if used > indent:
                    _add(lines[-1], " " * gap, style if gap < between else "")
                    used += gap
                _add(lines[-1], word, style)
                used += length
                gap = 1
        shown = ("".join(self.styled(text, style) for text, style in line) for line in lines)
        return f"\n{' ' * indent}".join(shown)

    def cut(self, text: str, used: int) -> str:
        """Return what of a text fits on a line of which ``used`` columns are taken."""
        if not self.width or used + _columns(text) <= self.width:
            return text
        while text and used + _columns(text) >= self.width:
            text = text[:-1]
        return f"{text.rstrip()}…"


def _add(line: list[Span], text: str, style: str) -> None:
    """Add a word; words of one style are one span, or every word would have its own sequence."""
    if line and line[-1][1] == style:
        line[-1] = (line[-1][0] + text, style)
    else:
        line.append((text, style))


def _columns(text: str) -> int:
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(one) in "WF" for one in text)
    return len(text) + wide - sum(unicodedata.combining(one) > 0 for one in text)
