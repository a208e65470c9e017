"""The keys of a description, as its model has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, get_args, get_origin

from pydantic import BaseModel

from conformance.platform.description import Platform


class Key(NamedTuple):
    """A key of a description."""

    name: str
    """As people write it: ``backup.store.bucket``; ``*`` is any name."""
    required: bool
    default: str
    """What holds without it, if that is a text."""


def keys(model: type[BaseModel] = Platform, above: str = "") -> Iterator[Key]:
    """Yield all keys of a model, those that hold others among them."""
    for field, each in model.model_fields.items():
        name = f"{above}{each.alias or field}"
        default = each.default if isinstance(each.default, str) else ""
        yield Key(name, each.is_required(), default)
        for inner, several in _models_in(each.annotation):
            yield from keys(inner, f"{name}.{'*.' * several}")


def _models_in(annotation: Any) -> Iterator[tuple[type[BaseModel], bool]]:  # noqa: ANN401 - a type
    """Yield the models that a field holds, and whether it holds them by names."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, False
    named = isinstance(get_origin(annotation), type) and "Mapping" in str(get_origin(annotation))
    for part in get_args(annotation):
        for model, several in _models_in(part):
            yield model, several or named
