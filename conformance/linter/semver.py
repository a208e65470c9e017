"""Semantic versions and the constraints on them that Helm understands.

https://semver.org and https://github.com/Masterminds/semver#checking-version-constraints
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

STRICT = re.compile(
    r"(0|[1-9][0-9]{0,17})\.(0|[1-9][0-9]{0,17})\.(0|[1-9][0-9]{0,17})"
    r"(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?"
)
"""A version with all three numbers."""
_LONGEST = 256
_LOOSE = re.compile(
    r"v?([0-9]{1,18})(?:\.([0-9]{1,18}))?(?:\.([0-9]{1,18}))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?"
)
_PART = re.compile(
    r"\s*(?P<operator>!=|=>|=<|>=|<=|~>|[=<>~^])?\s*"
    r"v?(?P<major>[0-9]{1,18}|[xX*])(?:\.(?P<minor>[0-9]{1,18}|[xX*]))?"
    r"(?:\.(?P<patch>[0-9]{1,18}|[xX*]))?(?:-(?P<pre>[0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?"
    r"\s*(?:,|\s|$)"
)
_HYPHEN = re.compile(r"\s*(\S+)\s+-\s+(\S+)\s*")
_TOP = 1 << 62

Numbers = tuple[int, int, int]


@dataclass(frozen=True, order=True)
class Version:
    """A version, as it is ordered; what is after ``+`` does not count."""

    numbers: Numbers
    final: bool
    """A pre-release comes before the release."""
    pre: tuple[tuple[bool, int, str], ...] = ()


def parse(text: str) -> Version | None:
    """Return a version, also one that lacks numbers or begins with ``v``; None if it is none."""
    found = _LOOSE.fullmatch(text.strip()) if len(text) <= _LONGEST else None
    if found is None:
        return None
    numbers = (int(found[1]), int(found[2] or 0), int(found[3] or 0))
    return _version(numbers, found[4] or "")


def satisfies(version: Version, constraint: str) -> bool | None:
    """Return whether a constraint allows a version; None if it is no constraint."""
    if len(constraint) > _LONGEST:
        return None
    results = [_all_of(version, one) for one in constraint.split("||")]
    return None if None in results else any(results)


def _version(numbers: Numbers, pre: str) -> Version:
    parts = tuple(
        (not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in pre.split(".")
    )
    return Version(numbers, not pre, parts if pre else ())


def _all_of(version: Version, constraint: str) -> bool | None:
    hyphen = _HYPHEN.fullmatch(constraint)
    if hyphen:
        constraint = f">={hyphen[1]} <={hyphen[2]}"
    if not constraint.strip():
        return None
    position, allowed = 0, True
    while position < len(constraint):
        part = _PART.match(constraint, position)
        if part is None:
            return None
        allowed = allowed and _one(version, part)
        position = part.end()
        while constraint[position : position + 1] in (" ", ","):
            position += 1
    return allowed


def _one(version: Version, part: re.Match[str]) -> bool:
    given = [part["major"], part["minor"], part["patch"]]
    known = [int(one) if one and one.isdigit() else None for one in given]
    count = next((index for index, one in enumerate(known) if one is None), 3)
    numbers = [one or 0 for one in known[:count]] + [0] * (3 - count)
    low = _version((numbers[0], numbers[1], numbers[2]), part["pre"] or "")
    operator = part["operator"] or "="
    if not version.final and low.final:
        return False  # a pre-release is allowed only where one is asked for
    if operator in ("~", "~>"):
        return low <= version < _after(numbers, min(count, 2))
    if operator == "^":
        zeros = next((index for index, one in enumerate(numbers[:count]) if one), count - 1)
        return low <= version < _after(numbers, zeros + 1)
    end = _after(numbers, count)
    within = low == version if count == 3 else low <= version < end
    tests: dict[str, Callable[[], bool]] = {
        "=": lambda: within,
        "!=": lambda: not within,
        ">": lambda: version > low if count == 3 else version >= end,
        "<": lambda: version < low,
        ">=": lambda: version >= low,
        "=>": lambda: version >= low,
        "<=": lambda: version <= low if count == 3 else version < end,
        "=<": lambda: version <= low if count == 3 else version < end,
    }
    return tests[operator]()


def _after(numbers: list[int], count: int) -> Version:
    """Return the first version that has not the same first ``count`` numbers."""
    if count <= 0:
        return Version((_TOP, 0, 0), True)
    start = numbers[: count - 1] + [numbers[count - 1] + 1] + [0] * (3 - count)
    return Version((start[0], start[1], start[2]), False)


__all__ = ["STRICT", "Version", "parse", "satisfies"]
