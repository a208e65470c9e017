"""Fixtures of app packages: those of ``--app``, or the reference apps as if they were given."""

from __future__ import annotations

import difflib
import functools
import itertools
from typing import TYPE_CHECKING

import pytest

from conformance.apps.package.abilities import lack_of
from conformance.apps.package.given import GivenApp
from conformance.apps.package.reference import reference_copy
from conformance.common.errors import HarnessError
from conformance.suite.check import check_of, not_applicable, not_run, shared
from conformance.suite.twins import load_twins

if TYPE_CHECKING:
    from conformance.apps.base import App
    from conformance.apps.package.model import Description
    from conformance.suite.check import Check

_numbers = itertools.count(1)


@pytest.fixture(scope=shared)
def app_package(
    app: App | GivenApp, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> GivenApp:
    """The package of the app that a check runs on; of a reference app, a copy of its package."""
    if isinstance(app, GivenApp):
        return app
    package = request.getfixturevalue("package")
    name = f"{app.name}-given-{next(_numbers)}"
    return reference_copy(package, app.name, name, tmp_path_factory.mktemp("given"))


@pytest.fixture
def needed_abilities(request: pytest.FixtureRequest, app_package: GivenApp) -> None:
    """What the check needs of the app, which has it and may not skip the check."""
    check = check_of(request.node)
    if check is None:
        return
    description = app_package.description
    _refuse_unknown(description)
    for ability in check.abilities:
        if (lack := lack_of(ability, description)) is not None:
            (not_applicable if lack.by_nature else not_run)(lack.reason)
    _skip(check, description)


def _skip(check: Check, description: Description) -> None:
    """End a check that the package may skip; a later version of it may not any more."""
    for one in description.skip:
        if one.check == check.id:
            not_run(f"skipped until {one.until}: {one.reason}")


def _refuse_unknown(description: Description) -> None:
    """Raise HarnessError for a skip of a check that does not exist."""
    for one in description.skip:
        if one.check not in _known_checks():
            near = difflib.get_close_matches(one.check, _known_checks(), n=1)
            raise HarnessError(
                f"conformance.yaml skips {one.check}, which is no check",
                f"did you mean {near[0]}?" if near else "remove it",
            )


@functools.cache
def _known_checks() -> frozenset[str]:
    return frozenset(load_twins())  # each check has one
