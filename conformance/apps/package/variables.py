"""``${variables}`` in the texts of a description. ``$${name}`` stands for ``${name}`` itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

_USE = re.compile(r"(\$?)\$\{([^{}]*)\}")
_SECRET = re.compile(r"secret:([a-z0-9.-]+)/([A-Za-z0-9._-]+)")
OF_THE_RUN = ("domain", "host", "email", "seed", "generated")
"""Names that nothing may be saved under."""


def names_in(text: str) -> Iterator[str]:
    """Yield the names of the variables that a text uses."""
    for escaped, name in _USE.findall(text):
        if not escaped:
            yield name


def filled(text: str, value_of: Callable[[str], object]) -> str:
    """Return the text with the value of each variable in its place."""

    def value(use: re.Match[str]) -> str:
        return use.group()[1:] if use[1] else str(value_of(use[2]))

    return _USE.sub(value, text)


def only_name_in(text: str) -> str | None:
    """Return the name of the variable that is the whole text, if there is no more to it."""
    use = _USE.fullmatch(text)
    return use[2] if use and not use[1] else None


def secret_in(name: str) -> tuple[str, str] | None:
    """Return the Secret's name and the key that ``secret:NAME/KEY`` stands for."""
    found = _SECRET.fullmatch(name)
    return (found[1], found[2]) if found else None
