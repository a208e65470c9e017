"""What a rule says: a problem and its place, or why it could not be judged."""

from __future__ import annotations

import difflib
import enum
import re
from collections.abc import Iterable
from dataclasses import dataclass

from conformance.linter.access import Value

_SECRET_KEY = re.compile(r"pass|secret|token|key|credential|salt|dsn", re.IGNORECASE)
_SHOWN = 80
"""Characters of a value that a message quotes."""


class Severity(enum.Enum):
    """How much a finding matters."""

    ERROR = "error"
    """Keeps the app below the rule's level."""
    WARNING = "warning"
    """Works, and will hurt some day."""
    NOTE = "note"
    """Worth knowing."""


@dataclass(frozen=True, order=True)
class Place:
    """What a finding points at."""

    file: str = ""
    """Relative to PATH, POSIX; empty: the package as a whole."""
    line: int = 0
    """Counted from 1; 0: the file as a whole."""
    object: str = ""
    """As in ``Deployment stackspin-apps/notes``; empty: no object of Kubernetes."""


@dataclass(frozen=True)
class Problem:
    """One violation of a rule."""

    place: Place
    message: str
    """What is wrong, with the offending value."""
    fix: str = ""
    """What to do, where this can be said more exactly than by the rule's own ``fix``."""


@dataclass(frozen=True)
class NotRun:
    """The rule, or a part of it, could not be judged: it raises no level."""

    reason: str


def quoted(value: Value, key: str = "") -> str:
    """Return a value as a message shows it: short; ``***`` if the key is a secret's."""
    if _SECRET_KEY.search(key):
        return "***"
    text = value if isinstance(value, str) else repr(value)
    line = "".join(one if one.isprintable() else repr(one)[1:-1] for one in text[:_SHOWN])
    return f'"{line}{"…" if len(text) > _SHOWN else ""}"'


def did_you_mean(name: str, others: Iterable[str]) -> str:
    """Return ``; did you mean x?`` for the nearest of ``others``, or nothing."""
    near = difflib.get_close_matches(name, sorted(set(others) - {name}), n=1, cutoff=0.75)
    return f"; did you mean {near[0]}?" if near else ""
