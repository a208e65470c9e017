"""What an unquoted YAML value stands for, as Kubernetes and Helm read it."""

from __future__ import annotations

import math
import re
from typing import Any

Value = Any
"""What YAML can hold: mappings, lists, strings, numbers, booleans, None."""

_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_BOOLEAN = {
    form: value
    for words, value in ((("true", "yes", "on"), True), (("false", "no", "off"), False))
    for word in words
    for form in (word, word.capitalize(), word.upper())
}
_NUMBER_START = frozenset("0123456789+-.")
_INTEGER = re.compile(r"[-+]?(?:0[bB][01_]+|0[xX][0-9a-fA-F_]+|0o?[0-7_]+|0|[1-9][0-9_]*)\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_DIGITS = 64
"""No number that anybody means is longer; longer ones stay text."""


def resolve(text: str) -> Value:
    """Return what an unquoted scalar stands for.

    Booleans are those of YAML 1.1 (``yes``, ``off``); ``1e3`` is a number; ``22:22`` and a
    timestamp are text, as in go-yaml, which Kubernetes, Flux and Helm use.
    """
    if text in _NULL:
        return None
    if text[0] in _NUMBER_START and len(text) <= _DIGITS:
        return _number(text)
    return _BOOLEAN.get(text, text)


def _number(text: str) -> Value:
    try:
        if _INTEGER.match(text):
            value = _integer(text.replace("_", "").lower())
            return value if -(2**63) <= value < 2**64 else float(value)
        if _FLOAT.match(text):
            number = float(text.replace("_", ""))
            return number if math.isfinite(number) else text
    except ValueError:
        pass
    return text


def _integer(digits: str) -> int:
    """Return an integer; ``0640`` is octal, as in ``defaultMode``."""
    bare = digits.lstrip("+-")
    octal = len(bare) > 1 and bare[0] == "0" and bare[1].isdigit()
    return int(digits, 8 if octal else 0)


def tagged(tag: str, text: str) -> Value:
    """Return the value of a scalar with a tag; a tag that nobody knows is ignored."""
    kind = tag.removeprefix("tag:yaml.org,2002:")
    if kind == "null":
        return None
    if kind not in ("int", "float", "bool"):
        return text
    value = resolve(text)
    return float(value) if kind == "float" and isinstance(value, int) else value


def key_text(value: Value) -> str:
    """Return a scalar as Kubernetes writes it when it is the key of a mapping."""
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)
