"""Types of values: those that a schema allows, and those that a value is of or reads as."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

TYPE_WORDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}
"""A type -> what a value of it is called."""


def all_types(schema: Schema) -> list[str]:
    """Return the types that a schema names, ``null`` among them."""
    kind = schema.get("type")
    if kind is None:
        return [one for choice in schema.get("oneOf", ()) for one in all_types(choice)]
    return list(kind) if isinstance(kind, list) else [kind]


def types_of(schema: Schema) -> list[str]:
    """Return the types that a value may have, if there is one; none: any."""
    return [one for one in dict.fromkeys(all_types(schema)) if one != "null"]


def is_of(value: Any, kind: str) -> bool:
    """Return whether a value is of a type."""
    match kind:
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
            return whole and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "array":
            return isinstance(value, list | tuple)
        case _:
            return isinstance(value, Mapping)


def reads_as(text: str, kind: str) -> bool:
    """Return whether a text would be of a type if it had no quotes."""
    if kind == "boolean":
        return text in ("true", "false")
    return kind in ("integer", "number") and bool(re.fullmatch(r"-?[0-9]{1,18}", text))


def is_base64(value: str) -> bool:
    """Return whether a text is in base64, on one line or several."""
    try:
        base64.b64decode(value.replace("\n", "").replace("\r", ""), validate=True)
    except (binascii.Error, ValueError):
        return False
    return True
