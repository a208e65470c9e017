"""What is wrong with the description of an app, found without a cluster."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator

from conformance.apps.package.given import GivenApp
from conformance.linter.findings import Place, Problem
from conformance.linter.reading.description import DescriptionError, located

_FIX = "Correct the file; docs/app-packages.md explains every key."
_SHOWN = 5
"""Mistakes that one text tells of; the rest can wait until these are corrected."""


def mistakes_in(given: GivenApp, checks: Collection[str], *, with_files: bool) -> list[Problem]:
    """Return the mistakes in what is said of an app; of one that nobody described, there are none.

    ``checks`` are the ids that may be skipped. ``with_files``: what it names has to be there.
    """
    try:
        found = list(_unknown_checks(given, checks))
    except DescriptionError as error:
        return list(error.problems)
    return [*found, *(_missing_files(given) if with_files else ())]


def told(mistakes: Collection[Problem]) -> str:
    """Return mistakes as a text: what is wrong, and lines that say what to do."""
    lines = []
    for one in list(mistakes)[:_SHOWN]:
        where = f"{one.place.file}, line {one.place.line}" if one.place.line else one.place.file
        lines.append(f"{where}: {one.message}")
        lines.append(f"  To do: {one.fix or _FIX}")
    if more := len(mistakes) - _SHOWN:
        lines += [f"and {more} more"] if more > 0 else []
    return "\n".join(lines)


def _unknown_checks(given: GivenApp, checks: Collection[str]) -> Iterator[Problem]:
    for one in given.description.skip:
        if one.check not in checks:
            near = difflib.get_close_matches(one.check, checks, n=1)
            fix = f"Did you mean {near[0]}?" if near else "Remove it from skip."
            message = f"it skips {one.check}, which is no check"
            yield Problem(Place(str(given.description_file)), message, fix)


def _missing_files(given: GivenApp) -> Iterator[Problem]:
    description, file = given.description, given.description_file
    named = [one.context or one.archive for one in description.images]
    named += [one.path for one in description.charts]
    for one in named:
        if one is None or file is None:
            continue
        try:
            found = located(one, file, given.root)
        except DescriptionError as error:
            yield from error.problems
        else:
            if one in _contexts(given) and not (found / "Dockerfile").is_file():
                message = f'"{one}" has no Dockerfile to build an image from'
                yield Problem(Place(str(file)), message, "Name the folder that has it.")


def _contexts(given: GivenApp) -> set[str]:
    return {one.context for one in given.description.images if one.context is not None}
