"""Fields of objects that kustomize changes, by the path of the field."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.linter.access import sequence


@dataclass(frozen=True)
class Field:
    """A field of some kinds of objects."""

    path: tuple[str, ...]
    """From the object's root; lists on the way are walked through."""
    kinds: frozenset[str] = frozenset()
    """Empty: of every kind."""
    create: bool = False
    """Whether mappings on the way are made where there are none."""


def fields(paths: Iterable[str], kinds: Iterable[str] = (), *, create: bool = False) -> list[Field]:
    """Return fields from paths with slashes."""
    return [Field(tuple(path.split("/")), frozenset(kinds), create) for path in paths]


def change(
    value: Mapping[str, Any], kind: str, field: Field, changed: Callable[[Any], Any]
) -> dict[str, Any]:
    """Return an object with a field as ``changed`` returns it; it is given None for none."""
    if field.kinds and kind not in field.kinds:
        return dict(value)
    result: dict[str, Any] = _changed(value, field.path, field.create, changed)
    return result


def _changed(value: Any, path: Sequence[str], create: bool, changed: Callable[[Any], Any]) -> Any:
    if isinstance(value, list):
        return [_changed(one, path, create, changed) for one in sequence(value)]
    if not path:
        return changed(value)
    if value is None and create:
        value = {}
    if not isinstance(value, Mapping):
        return value
    key = path[0]
    if key not in value and not create:
        return value
    return {**value, key: _changed(value.get(key), path[1:], create, changed)}
