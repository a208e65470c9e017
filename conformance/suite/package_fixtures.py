"""Fixtures of app packages: those of ``--app``, or the reference apps as if they were given."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from conformance.apps.image_builds import VERSIONS, source_of
from conformance.apps.package.abilities import lack_of
from conformance.apps.package.delivery import Delivery
from conformance.apps.package.description import FILE
from conformance.apps.package.given import GivenApp
from conformance.apps.package.mistakes import mistakes_in
from conformance.apps.package.package_images import push_images
from conformance.apps.package.placement import Placement, place
from conformance.apps.package.reference import reference_copy
from conformance.apps.package.refusals import refusals
from conformance.apps.package.running import RunningApp
from conformance.apps.package.secrets_by_hand import made_by_hand
from conformance.apps.package.time_limit import TimeLimit
from conformance.apps.tracked import TrackedBranch
from conformance.common.run_folder import run_folder
from conformance.platform.reference.levels import BACKUPS, SINGLE_SIGN_ON
from conformance.suite.check import check_of, not_applicable, not_run, shared
from conformance.suite.twins import load_twins

if TYPE_CHECKING:
    from conformance.apps.base import App
    from conformance.apps.image_builds import AppImages
    from conformance.apps.package.model import Description
    from conformance.common.settings import Settings
    from conformance.kube.client import Kube
    from conformance.linter.findings import Problem
    from conformance.platform.reference import Stack
    from conformance.suite.check import Check

_DESCRIBED = "app_runs.described"
"""The check that tells of mistakes in an app's description."""
STILL_READY = 20.0
"""Seconds in which an app is Ready again that was so when Flux had applied it."""
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


@pytest.fixture(scope=shared)
def mistakes(app: App | GivenApp, app_package: GivenApp) -> list[Problem]:
    """What is wrong with the description of the app.

    The copy of a reference app is without the files that its description names.
    """
    return mistakes_in(app_package, _known_checks(), with_files=app is app_package)


@pytest.fixture
def needed_abilities(request: pytest.FixtureRequest, app_package: GivenApp) -> None:
    """What the check needs of the app, which has it and may not skip the check."""
    check = check_of(request.node)
    if check is None or check.id == _DESCRIBED:
        return
    if request.getfixturevalue("mistakes"):
        not_run(f"{FILE} has a mistake, of which {_DESCRIBED} tells")
    description = app_package.description
    for ability in check.abilities:
        if (lack := lack_of(ability, description)) is not None:
            (not_applicable if lack.by_nature else not_run)(lack.reason)
    _skip(check, description)


def _skip(check: Check, description: Description) -> None:
    """End a check that the package may skip; a later version of it may not any more."""
    for one in description.skip:
        if one.check == check.id:
            not_run(f"skipped until {one.until}: {one.reason}")


@functools.cache
def _known_checks() -> frozenset[str]:
    return frozenset(load_twins())  # each check has one


@pytest.fixture(scope=shared)
def placement(app_package: GivenApp) -> Placement:
    """The files of the package where Flux looks for them."""
    return place(app_package)


@pytest.fixture(scope=shared)
def delivered(
    app_package: GivenApp,
    placement: Placement,
    settings: Settings,
    kube: Kube,
    stack: Stack,
    request: pytest.FixtureRequest,
) -> Iterator[RunningApp]:
    """The app, brought to the tracked branch; at the end nothing of it is left.

    Whether it then runs is for the checks to find out.
    """
    if placement.problems:
        not_run(f"there is nothing to install: {placement.problems[0]}")
    if refused := refusals(placement.app):
        not_run(f"the package is refused: {refused[0]}")
    flux = stack.single_sign_on() if _needs_login(placement) else stack.platform()
    if placement.depends_on & set(BACKUPS.kustomizations):
        stack.backups()
    stack.settle()  # what others bring meanwhile would be taken for the package's own
    if request.getfixturevalue("app") is app_package:
        components, registry = map(request.getfixturevalue, ("components", "registry"))
        with run_folder(settings.cache_dir / "app-images") as folder:
            push_images(app_package, components, registry, folder)
    else:
        images: AppImages = request.getfixturevalue("images")
        images.released(source_of(request.getfixturevalue("app").name), VERSIONS[0])
    branch = TrackedBranch(kube, stack.git, flux)
    secrets = made_by_hand(app_package, settings.domain, kube.redactor)
    limit = TimeLimit(settings.app_time)
    delivery = Delivery(branch, placement, app_package.name, limit, secrets)
    try:
        delivery.begin()
        delivery.guard_disk(request.getfixturevalue("cluster"))
        yield RunningApp(delivery, app_package.description, stack.http(), settings.domain)
    finally:
        if troubles := delivery.clean_up():
            pytest.fail(f"of {app_package.name} something is left: {'; '.join(troubles)}")


@pytest.fixture
def running(delivered: RunningApp) -> RunningApp:
    """The app, installed and Ready; if it is not, the check cannot run."""
    if (guard := delivered.delivery.guard) and guard.tells():
        pytest.fail(guard.reason)
    try:
        delivered.delivery.wait_applied()
        delivered.delivery.wait_ready(STILL_READY)
    except AssertionError as error:
        not_run(f"the app does not run: {str(error).splitlines()[0]}")
    return delivered


def _needs_login(placement: Placement) -> bool:
    """Whether the app needs more than the platform's infrastructure."""
    objects = (one.kind for one in placement.app.written)
    return bool(placement.depends_on & set(SINGLE_SIGN_ON.kustomizations)) or (
        "OAuth2Client" in objects
    )
