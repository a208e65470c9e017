"""Values of a package are whatever its author wrote: these read them and never raise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

Value: TypeAlias = Any
"""What YAML holds: mappings, lists, strings, numbers, booleans, None, in any place."""
Key = str | int
Path = tuple[Key, ...]


def mapping(value: Value) -> Mapping[str, Value]:
    """Return ``value``, or an empty mapping if it is none."""
    # Most are, and to ask for the class is many times as fast as to ask for what it is like.
    return value if type(value) is dict or isinstance(value, Mapping) else {}


def sequence(value: Value) -> Sequence[Value]:
    """Return ``value``, or an empty sequence if it is none; a string is none."""
    return value if isinstance(value, list | tuple) else ()


def text(value: Value) -> str:
    """Return ``value``, or an empty string if it is none."""
    return value if isinstance(value, str) else ""


def get(value: Value, *path: Key) -> Value:
    """Return what is at ``path`` inside ``value``; None where there is nothing."""
    for key in path:
        if type(value) is dict:
            value = value.get(key)
        elif isinstance(key, int):
            items = sequence(value)
            value = items[key] if 0 <= key < len(items) else None
        else:
            value = mapping(value).get(key)
    return value


def walk(value: Value, path: Path = ()) -> Iterator[tuple[Path, Value]]:
    """Yield every value inside ``value``, itself included, with its path; parents first."""
    waiting = [(path, value)]
    while waiting:
        path, value = waiting.pop()
        yield path, value
        if type(value) is dict or isinstance(value, Mapping):
            waiting += [((*path, key), item) for key, item in value.items()][::-1]
        elif isinstance(value, list | tuple):
            waiting += [((*path, index), item) for index, item in enumerate(value)][::-1]


def each_text(value: Value, change: Callable[[str], str]) -> Value:
    """Return ``value`` with each text in it changed; keys stay as they are."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: each_text(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [each_text(item, change) for item in value]
    return value
