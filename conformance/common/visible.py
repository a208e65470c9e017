"""Text that others wrote, as a person may see it.

A name may hold what moves a terminal's cursor, or turns the reading direction around.
"""

from __future__ import annotations

import re

_BUT_LINES = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0"  # seen as nothing
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\ufffc\ufffe\uffff"  # directions, joiners
    "\ud800-\udfff\ue000-\uf8ff"  # half characters, and what each font shows in its own way
    "\U000e0000-\U0010ffff"
)
_INVISIBLE = re.compile(f"[\t\n{_BUT_LINES}]")
_INVISIBLE_IN_LINES = re.compile(f"[{_BUT_LINES}]")


def shown(text: str) -> str:
    """Return a text on one line in which every invisible character is seen: ``\\x1b``."""
    return _INVISIBLE.sub(_escaped, text)


def shown_lines(text: str) -> str:
    """Return a text as ``shown`` does, with its lines and tabs as they are."""
    return _INVISIBLE_IN_LINES.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    number = ord(found.group())
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
