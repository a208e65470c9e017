"""What a file says, as a model has it; every mistake is reported with its line and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticCustomError

from conformance.linter.access import Key, get
from conformance.linter.access import Path as Where
from conformance.linter.findings import Place, Problem, quoted
from conformance.linter.reading.documents import Document
from conformance.linter.reading.tree import shown

_TYPES = {
    "string_type": "a text",
    "int_type": "a whole number",
    "model_type": "a mapping of keys and values",
    "dict_type": "a mapping of keys and values",
    "mapping_type": "a mapping of keys and values",
    "tuple_type": "a list",
}
"""Type of a pydantic error -> what the value must be."""
MOST = 20
"""Mistakes that are reported at once; the rest would say nothing new."""
_LONGEST = 100
"""Characters of a name that is compared with the right ones."""
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Format(Generic[Model]):
    """A format of files."""

    model: type[Model]
    choices: Mapping[str, type[BaseModel]] = field(default_factory=dict)
    """The tags by which pydantic tells the members of unions apart; no key of the file."""


def refused(message: str, fix: str) -> PydanticCustomError:
    """Return an error that says what is wrong with a value, and what to do."""
    return PydanticCustomError("refused", "{message}", {"message": message, "fix": fix})


def validate(
    document: Document,
    form: Format[Model],
    prepare: Callable[[Any], Any] = lambda value: value,
) -> tuple[Model | None, list[Problem]]:
    """Return what a document says, or the first mistakes in it, in the order of their lines.

    ``prepare`` returns the document's value as the model wants it, in the same shape.
    """
    value = prepare(document.value)
    try:
        return form.model.model_validate(value), []
    except ValidationError as error:
        wrong = [
            _problem(document, form, one)
            for one in error.errors(include_url=False)
            # pydantic counts only those items of a list that are right.
            if one["type"] != "too_short" or not get(value, *_written(one["loc"], form))
        ]
        return None, sorted(wrong, key=lambda one: one.place.line)[:MOST]


def name_of(where: Where) -> str:
    """Return a place in the file as people write it: ``data.seed[0].status``."""
    parts = (f"[{key}]" if isinstance(key, int) else f".{key}" for key in where)
    return "".join(parts).lstrip(".") or "the file"


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the one of ``known`` that is most like ``name``; empty if none is like it."""
    near = difflib.get_close_matches(name[:_LONGEST], sorted(known), n=1)
    return near[0] if near else ""


def _problem(document: Document, form: Format[Any], error: Any) -> Problem:  # noqa: ANN401
    """Return what one error of pydantic's means for whoever wrote the file."""
    where = _written(error["loc"], form)
    kind, context = error["type"], error.get("ctx") or {}
    name, value = name_of(where), get(document.value, *where)
    message, fix = f"{name}: {error['msg']}", "See the table of keys."
    if kind == "refused":
        message = context.get("message", f"{name}: {error['msg']}")
        fix = context["fix"]
    elif kind == "extra_forbidden":
        message, fix = f'there is no key "{name}"', _right_key(error["loc"], form)
    elif kind == "missing":
        message, fix = f"{name} is missing", "Add it, or remove what it belongs to."
    elif kind in _TYPES:
        there, fix = quoted(value, str(where[-1]) if where else ""), "Correct the value."
        if kind == "string_type" and isinstance(value, int | float):
            there, fix = there.strip('"').lower(), "Put it in quotes."
        message = f"{name} must be {_TYPES[kind]}, and is {there}"
    elif kind == "string_pattern_mismatch":
        message = f"{name} does not have the form {context['pattern']}"
        fix = "Write it as the table of keys has it."
    elif kind in ("too_short", "string_too_short"):
        message, fix = f"{name} is empty", "Fill it in, or remove the key."
        if _is_required(error["loc"], form):
            fix = "Fill it in."
    return Problem(Place(document.file, document.line(where)), shown(message), shown(fix))


def _written(location: tuple[Key, ...], form: Format[Any]) -> Where:
    """Return the part of a location of pydantic's that the file has."""
    return tuple(key for key in location if key not in (*form.choices, "[key]"))


def _right_key(location: tuple[Key, ...], form: Format[Any]) -> str:
    known = _keys_at(location[:-1], form)
    near = nearest(str(location[-1]), known)
    return f"Did you mean {near}?" if near else f"There are: {', '.join(known)}."


def _is_required(location: tuple[Key, ...], form: Format[Any]) -> bool:
    found = _field(_model_at(location[:-1], form), location[-1])
    return bool(found and found.is_required())


def _keys_at(location: tuple[Key, ...], form: Format[Any]) -> list[str]:
    """Return the keys that there are at a place of the model."""
    fields = _model_at(location, form).model_fields
    return [field.alias or name for name, field in fields.items()]


def _model_at(location: tuple[Key, ...], form: Format[Any]) -> type[BaseModel]:
    """Return the model of what is at a place."""
    model: type[BaseModel] = form.model
    for key in location:
        if key in form.choices:
            model = form.choices[str(key)]
        elif found := _field(model, key):
            model = next(_models_in(found.annotation), model)
    return model


def _field(model: type[BaseModel], key: Key) -> Any:  # noqa: ANN401 - pydantic's FieldInfo
    """Return the field of a model that a key of the file sets."""
    named = ((each.alias or name, each) for name, each in model.model_fields.items())
    return next((each for name, each in named if name == key), None)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:  # noqa: ANN401 - a type
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)
