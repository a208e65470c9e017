"""``${expressions}`` in text, and what Flux makes of them.

It reads them with a fork of drone/envsubst of its own:
https://github.com/fluxcd/pkg/tree/main/envsubst
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

LEGAL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
ValueOf = Callable[[str, "str | None"], str]
"""Returns the value of a variable, given its name and the default that is written beside it."""

_MARK = re.compile(r"\$\$|\$\{|\}|\n")
_NAME = re.compile(rf"#?({LEGAL_NAME.pattern})(.*)", re.DOTALL)
_OPERATORS = ":=#%/^,"
"""What may follow a name; Flux refuses ``${a-b}``: neither a name nor, as in a shell, a default."""
_DEFAULT = (":=", ":-", "=")
_INSTEAD = (*_DEFAULT, ":?", ":+")
"""Before what takes the place of an empty value: Flux knows no other meaning of these."""
_CASES: Mapping[str, Callable[[str], str]] = {
    "^^": str.upper,
    ",,": str.lower,
    "^": lambda value: value[:1].upper() + value[1:],
    ",": lambda value: value[:1].lower() + value[1:],
}
_DEEPEST = 10
"""That many expressions may stand around another, as defaults; what is deeper is left as it is."""
_LONGEST = 4 * 1024 * 1024
"""Characters of values in one text; what follows is left as it is."""


@dataclass(frozen=True)
class Use:
    """A ``${...}`` in a string."""

    expression: str
    """What is between the braces."""
    name: str
    """Empty: this is none that Flux can fill in."""
    has_default: bool
    offset: int
    """Where in the string it starts, in characters."""


def uses(string: str) -> Iterator[Use]:
    """Yield each ``${...}`` that Flux would fill in, those in defaults too; no ``$${...}``."""
    for start, end in _expressions(string):
        expression = string[start + 2 : end]
        found = _NAME.fullmatch(expression)
        rest = found[2] if found else ""
        if found is None or (rest and rest[0] not in _OPERATORS):
            yield Use(expression, "", False, start)
        else:
            yield Use(expression, found[1], rest.startswith(_DEFAULT), start)


def substitute(string: str, value_of: ValueOf) -> str:
    """Return ``string`` with its variables filled in; ``$$`` becomes ``$``."""
    return _substitute(string, value_of, 0)


def _substitute(string: str, value_of: ValueOf, depth: int) -> str:
    parts, at, length = [], 0, 0
    for start, end in _expressions(string):
        if start >= at and length <= _LONGEST:  # those before ``at`` stand in another's default
            value = _value(string[start + 2 : end], value_of, depth)
            if value is not None:
                parts += [_unescaped(string[at:start]), value]
                at, length = end + 1, length + len(value)
    return "".join([*parts, _unescaped(string[at:])])


def _unescaped(string: str) -> str:
    return string.replace("$$", "$")


def _expressions(string: str) -> list[tuple[int, int]]:
    """Return where each ``${`` and its ``}`` are, in the order in which they begin.

    Both are on one line, so that a brace too few spoils no more than that.
    """
    found, begun = [], []
    for mark in _MARK.finditer(string):
        if mark[0] == "${":
            begun.append(mark.start())
        elif mark[0] == "\n":
            begun.clear()
        elif mark[0] == "}" and begun:
            found.append((begun.pop(), mark.start()))
    return list(_not_too_deep(sorted(found)))


def _not_too_deep(expressions: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield those that few others are around: the text of all together stays a few times as long.

    One of the limits of what a package may cost.
    """
    around: list[int] = []
    for start, end in expressions:
        while around and around[-1] < start:
            around.pop()
        if len(around) <= _DEEPEST:
            yield start, end
        around.append(end)


def _value(expression: str, value_of: ValueOf, depth: int) -> str | None:
    """Return what stands for an expression; None: Flux cannot fill it in."""
    found = _NAME.fullmatch(expression)
    if found is None:
        return None
    name, rest = found[1], found[2]
    if rest.startswith("-"):
        # That it is no variable is the finding: the rest is judged with what was meant.
        return value_of(expression.replace("-", "_"), None)
    operator = next((one for one in _INSTEAD if rest.startswith(one)), "")
    if operator:
        instead = rest.removeprefix(operator)
        if depth < _DEEPEST:
            instead = _substitute(instead, value_of, depth + 1)
        return value_of(name, instead)
    value = value_of(name, None)
    if rest.startswith("/"):
        old, _, new = rest.lstrip("/").partition("/")
        times = value.count(old) if rest.startswith("//") else 1
        return value.replace(old, new, times) if old and times * len(new) <= _LONGEST else value
    return _CASES.get(rest, str)(value)
