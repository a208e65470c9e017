"""``conformance.yaml`` is found, and its keys are read: what is wrong is said with its line."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path

from conformance.apps.package import variables
from conformance.apps.package.model.description import Description
from conformance.apps.package.model.steps import COMMAND, REQUEST, CommandStep, RequestStep
from conformance.formats.reading import MOST, Format, name_of, nearest, validate
from conformance.linter.access import Path as Where
from conformance.linter.access import get, walk
from conformance.linter.app import AppPackage
from conformance.linter.findings import Place, Problem
from conformance.linter.limits import Limits
from conformance.linter.reading.description import (
    DescriptionError,
    descriptions,
    line_of,
    read_document,
)
from conformance.linter.reading.documents import Document
from conformance.linter.reading.tree import shown

_FORMAT = Format(Description, {REQUEST: RequestStep, COMMAND: CommandStep})
_EVERYWHERE = ("domain", "host")
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
    description, problems = validate(document, _FORMAT)
    if description is None:
        raise DescriptionError(problems)
    unknown = list(islice(_unknown_variables(document), MOST))
    if unknown:
        raise DescriptionError(unknown)
    return description


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
            near = nearest(name, known)
            there = [f"${{{one}}}" for one in known]
            there += ["${secret:NAME/KEY}"] if secrets else []
            hint = f"Did you mean ${{{near}}}?" if near else f"There are {', '.join(there)}."
            message = f"{name_of(path)} uses ${{{name}}}, which nothing stands for here"
            fix = f"{hint} For the text itself write $${{{name}}}."
            yield Problem(Place(document.file, document.line(path)), shown(message), shown(fix))
