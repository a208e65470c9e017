"""``conformance.yaml`` is found, and its keys are read: what is wrong is said with its line."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from conformance.apps.package import variables
from conformance.apps.package.model import COMMAND, REQUEST, CommandStep, Description, RequestStep
from conformance.linter.access import Key, get, walk
from conformance.linter.access import Path as Where
from conformance.linter.app import AppPackage
from conformance.linter.findings import Place, Problem, quoted
from conformance.linter.limits import Limits
from conformance.linter.reading.description import (
    DescriptionError,
    descriptions,
    line_of,
    read_document,
)
from conformance.linter.reading.documents import Document
from conformance.linter.reading.tree import shown

_KINDS: Mapping[str, type[BaseModel]] = {REQUEST: RequestStep, COMMAND: CommandStep}
_NOT_WRITTEN = (*_KINDS, "[key]")
"""Parts of a location of pydantic's that the file does not have."""
_EVERYWHERE = ("domain", "host")
_TYPES = {
    "string_type": "a text",
    "int_type": "a whole number",
    "model_type": "a mapping of keys and values",
    "dict_type": "a mapping of keys and values",
    "mapping_type": "a mapping of keys and values",
    "tuple_type": "a list",
}
"""Type of a pydantic error -> what the value must be."""
_MOST = 20
"""Mistakes that are reported at once; the rest would say nothing new."""
_LONGEST = 100
"""Characters of a name that is compared with the right ones."""
_DEFAULT = Limits()


def description_of(
    package_root: Path, app: AppPackage, names: Collection[str] = ()
) -> tuple[Path, Description] | None:
    """Return the description of an app, and the file it is in; None: there is none.

    It is in the app's folder, beside its Chart.yaml or at the root of the package; one that is for
    another app (``app:``) is passed over. Raises DescriptionError, also where it is for an app that
    is not among ``names``, those of all apps of the package, if they are given.
    """
    folders = [app.path, *(chart.folder for chart in app.charts)]
    for path in descriptions(package_root, folders):
        found = read_description(path)
        if found.app in (None, app.name):
            return path, found
        if names and found.app not in names:
            message = f'it describes the app "{found.app}", which is not in the package'
            fix = f"There are: {', '.join(names)}."
            raise DescriptionError(
                [Problem(Place(str(path), line_of(found.app, path)), message, fix)]
            )
    return None


def read_description(path: Path, limits: Limits = _DEFAULT) -> Description:
    """Return what a file says of an app. Raises DescriptionError with everything that is wrong."""
    document = read_document(path, limits)
    if document is None:
        return Description()
    try:
        description = Description.model_validate(document.value)
    except ValidationError as error:
        wrong = [
            _problem(document, one)
            for one in error.errors(include_url=False)
            # pydantic counts only those items of a list that are right.
            if one["type"] != "too_short" or not get(document.value, *_written(one["loc"]))
        ]
        raise DescriptionError(sorted(wrong, key=lambda one: one.place.line)[:_MOST]) from None
    unknown = list(islice(_unknown_variables(document), _MOST))
    if unknown:
        raise DescriptionError(unknown)
    return description


def _problem(document: Document, error: Any) -> Problem:  # noqa: ANN401 - pydantic's ErrorDetails
    """Return what one error of pydantic's means for whoever wrote the file."""
    where = _written(error["loc"])
    kind, context = error["type"], error.get("ctx") or {}
    name, value = _name(where), get(document.value, *where)
    message, fix = f"{name}: {error['msg']}", "See the table of keys."
    if kind == "refused":
        message = context.get("message", f"{name}: {error['msg']}")
        fix = context["fix"]
    elif kind == "extra_forbidden":
        message, fix = f'there is no key "{name}"', _right_key(error["loc"])
    elif kind == "missing":
        message, fix = f"{name} is missing", "Add it, or remove what it belongs to."
    elif kind in _TYPES:
        there = quoted(value, str(where[-1]) if where else "")
        message = f"{name} must be {_TYPES[kind]}, and is {there}"
        scalar = isinstance(value, int | float)
        fix = "Put it in quotes." if kind == "string_type" and scalar else "Correct the value."
    elif kind == "string_pattern_mismatch":
        message = f"{name} does not have the form {context['pattern']}"
        fix = "Write it as the table of keys has it."
    elif kind in ("too_short", "string_too_short"):
        message, fix = f"{name} is empty", "Fill it in, or remove the key."
    return Problem(Place(document.file, document.line(where)), shown(message), shown(fix))


def _written(location: tuple[Key, ...]) -> Where:
    return tuple(key for key in location if key not in _NOT_WRITTEN)


def _name(where: Where) -> str:
    """Return a place in the file as people write it: ``data.seed[0].status``."""
    parts = (f"[{key}]" if isinstance(key, int) else f".{key}" for key in where)
    return "".join(parts).lstrip(".") or "the file"


def _right_key(location: tuple[Key, ...]) -> str:
    known = _keys_at(location[:-1])
    near = difflib.get_close_matches(str(location[-1])[:_LONGEST], known, n=1, cutoff=0.6)
    return f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known)}."


def _keys_at(location: tuple[Key, ...]) -> list[str]:
    """Return the keys that there are at a place of the model."""
    model: type[BaseModel] = Description
    for key in location:
        if key in _KINDS:
            model = _KINDS[str(key)]
        elif isinstance(key, str) and key in model.model_fields:
            model = next(_models_in(model.model_fields[key].annotation), model)
    return [field.alias or name for name, field in model.model_fields.items()]


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:  # noqa: ANN401 - a type
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def _unknown_variables(document: Document) -> Iterator[Problem]:
    """Yield the variables that nothing stands for where they are used."""
    saved: list[str] = []
    for key in ("host", "serves", "values", "secrets", "login"):
        more = {"secrets": ("generated",), "login": ("email",)}.get(key, ())
        known = ("domain",) if key == "host" else (*_EVERYWHERE, *more)
        yield from _unknown_in(document, (key,), known)
    for part in ("seed", "verify"):
        for index, step in enumerate(get(document.value, "data", part) or ()):
            known = (*_EVERYWHERE, "seed", *saved)
            yield from _unknown_in(document, ("data", part, index), known, secrets=True)
            saved += get(step, "save") or ()


def _unknown_in(
    document: Document, where: Where, known: Collection[str], *, secrets: bool = False
) -> Iterator[Problem]:
    for path, value in walk(get(document.value, *where), where):
        for name in variables.names_in(value) if isinstance(value, str) else ():
            if name in known or (secrets and variables.secret_in(name)):
                continue
            near = difflib.get_close_matches(name[:_LONGEST], sorted(known), n=1)
            there = [f"${{{one}}}" for one in known]
            there += ["${secret:NAME/KEY}"] if secrets else []
            hint = f"Did you mean ${{{near[0]}}}?" if near else f"There are {', '.join(there)}."
            message = f"{_name(path)} uses ${{{name}}}, which nothing stands for here"
            fix = f"{hint} For the text itself write $${{{name}}}."
            yield Problem(Place(document.file, document.line(path)), shown(message), shown(fix))
