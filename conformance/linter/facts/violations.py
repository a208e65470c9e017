"""What the API server refuses of an object, and the words for it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from conformance.linter.access import Path
from conformance.linter.findings import quoted

_PLAIN_KEY = re.compile(r"[A-Za-z_$][\w$-]{0,60}")


@dataclass(frozen=True)
class Violation:
    """Something that the API server refuses."""

    path: Path
    """Of the value, or of what lacks something."""
    message: str
    fix: str = ""
    value: Any = None
    """The offending value, where it is one of the wrong kind; None for a secret."""
    absent: bool = False
    """Whether something is missing."""
    slip: bool = False
    """Whether it is nearly right: a misspelt field, an amount in a unit that is none."""
    wrong_type: bool = False
    """Whether it is text where a number must be, a list where a mapping must be, and the like."""


@dataclass(frozen=True)
class Verdict:
    """What is to be said about an object."""

    violations: tuple[Violation, ...] = ()
    metadata: tuple[Path, ...] = ()
    """Where there are names, labels and annotations: the object's own, its pods', its claims'."""


def dotted(path: Path) -> str:
    """Return a path as people write it: ``spec.containers[0].image``."""
    parts = []
    for key in path:
        if isinstance(key, int):
            parts.append(f"[{key}]")
        else:
            parts.append(f".{key}" if _PLAIN_KEY.fullmatch(str(key)) else f"[{quoted(str(key))}]")
    return "".join(parts).removeprefix(".") or "the object"


def nearest(word: str, known: Sequence[str]) -> str:
    """Return which of ``known`` somebody who wrote ``word`` may have meant; empty: none."""
    folded = {one.lower(): one for one in known}
    close = difflib.get_close_matches(word[:60].lower(), folded, n=1, cutoff=0.75)
    return folded[close[0]] if close else ""


def listed(words: Sequence[str]) -> str:
    """Return words as in ``a, b or c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
