"""Fixtures of app packages: those of ``--app``, or the reference apps as if they were given."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from conformance.apps.image_builds import source_of
from conformance.apps.package.abilities import lack_of
from conformance.apps.package.delivery import STILL_READY
from conformance.apps.package.given import GivenApp
from conformance.apps.package.mistakes import mistakes_in
from conformance.apps.package.package_images import PackageImages
from conformance.apps.package.placement import Placement, place
from conformance.apps.package.pulled_again import pull_again
from conformance.apps.package.reference import reference_copy
from conformance.apps.package.refusals import refusals
from conformance.common.run_folder import run_folder
from conformance.linter.reading.description import FILE
from conformance.suite.check import check_of, not_applicable, not_run, once, shared
from conformance.suite.fixtures import stays
from conformance.suite.installations import Installations, prepared_platform
from conformance.suite.needs import fixtures_of
from conformance.suite.twins import load_twins

if TYPE_CHECKING:
    from conformance.apps.base import App
    from conformance.apps.image_builds import AppImages
    from conformance.apps.package.model.description import Description
    from conformance.apps.package.running import RunningApp
    from conformance.clusters.base import Cluster
    from conformance.common.settings import Settings
    from conformance.components.builder import Components
    from conformance.kube.client import Kube
    from conformance.linter.findings import Problem
    from conformance.platform.stack import Stack
    from conformance.services.flux import Flux
    from conformance.suite.check import Check
    from conformance.suite.run import Run

_DESCRIBED = "app_runs.described"
"""The check that tells of mistakes in an app's description."""
_numbers = itertools.count(1)


@pytest.fixture(scope=once)
def reference_copies() -> dict[str, GivenApp]:
    """Copies of the reference apps' packages, by app."""
    return {}


@pytest.fixture(scope=shared)
def app_package(
    app: App | GivenApp,
    reference_copies: dict[str, GivenApp],
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> GivenApp:
    """The package of the app that a check runs on; of a reference app, a copy of its package."""
    if isinstance(app, GivenApp):
        return app
    if app.name not in reference_copies:
        package = request.getfixturevalue("package")
        name = f"{app.name}-given-{next(_numbers)}"
        folder = tmp_path_factory.mktemp("given")
        reference_copies[app.name] = reference_copy(package, app.name, name, folder)
    return reference_copies[app.name]


@pytest.fixture(scope=shared)
def mistakes(app: App | GivenApp, app_package: GivenApp) -> list[Problem]:
    """What is wrong with the description of the app.

    The copy of a reference app is without the files that its description names.
    """
    return mistakes_in(app_package, _known_checks(), with_files=app is app_package)


@pytest.fixture
def needed_abilities(
    request: pytest.FixtureRequest, app_package: GivenApp, settings: Settings
) -> None:
    """What the check needs of the app, which has it and may not skip the check.

    If the check is about the installed app, its package may be installed, too: otherwise no cluster
    is brought up for it.
    """
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
    if "platform_for_app" in request.fixturenames:
        refuse(request.getfixturevalue("placement"), settings.app_allow)


def _skip(check: Check, description: Description) -> None:
    """End a check that the package may skip; a later version of it may not any more."""
    for one in description.skip:
        if one.check == check.id:
            not_run(f"skipped until {one.until}: {one.reason}")


@functools.cache
def _known_checks() -> frozenset[str]:
    return frozenset(load_twins())  # each check has one


@pytest.fixture(scope="session")
def package_images(settings: Settings, components: Components) -> Iterator[PackageImages]:
    """Builder of the images that given packages describe."""
    with (
        run_folder(settings.cache_dir / "app-images") as folder,
        closing(PackageImages(components, folder)) as made,
    ):
        yield made


@pytest.fixture(scope=shared)
def placement(
    app_package: GivenApp,
    app: App | GivenApp,
    settings: Settings,
    request: pytest.FixtureRequest,
) -> Placement:
    """The files of the package where Flux looks for them; its images are being built by now.

    So they are while the cluster comes up. Nothing is built of a package that is refused.
    """
    placed = place(app_package)
    refused = placed.problems or refusals(placed.app, settings.app_allow)
    if app is app_package and not refused:
        images: PackageImages = request.getfixturevalue("package_images")
        images.begin(app_package)
    return placed


@pytest.fixture(scope=once)
def installations(
    run: Run, cluster: Cluster, kube: Kube, stack: Stack, request: pytest.FixtureRequest
) -> Iterator[Installations]:
    """The one app package that is installed; on a cluster that stays, nothing of it does."""
    made = Installations(run.settings, cluster, kube, stack, run.recorder.error)
    yield made
    if stays(run, cluster) or request.scope == "function":
        made.end()
    else:
        made.leave()


@pytest.fixture(scope=shared)
def bring_images(app: App | GivenApp, request: pytest.FixtureRequest) -> Callable[[GivenApp], None]:
    """Pushes the images that a package describes; those of a reference app are built already."""

    def push(package: GivenApp) -> None:
        built: PackageImages = request.getfixturevalue("package_images")
        if moved := built.push(package, request.getfixturevalue("registry")):
            namespace = request.getfixturevalue("namespaces")("images")
            pull_again(request.getfixturevalue("kube"), moved, namespace)

    def release(package: GivenApp) -> None:
        images: AppImages = request.getfixturevalue("images")
        [version] = {one.chart.version for one in package.app.releases if one.chart}
        images.released(source_of(app.name), version)

    return push if isinstance(app, GivenApp) else release


@pytest.fixture(scope=shared)
def platform_for_app(
    app_package: GivenApp,
    placement: Placement,
    stack: Stack,
    request: pytest.FixtureRequest,
) -> Flux:
    """The platform, as far as the app and its checks need it."""
    wanted = fixtures_of(request.session.items)
    return prepared_platform(stack, placement, app_package.description, wanted)


@pytest.fixture(scope=shared)
def deliver(
    installations: Installations,
    platform_for_app: Flux,
    bring_images: Callable[[GivenApp], None],
    settings: Settings,
) -> Callable[[GivenApp, Placement], RunningApp]:
    """Brings a package of the app to the tracked branch, if it is not there already."""

    def to_branch(package: GivenApp, placement: Placement) -> RunningApp:
        refuse(placement, settings.app_allow)
        return installations.of(package, placement, platform_for_app, lambda: bring_images(package))

    return to_branch


@pytest.fixture(scope=shared)
def delivered(
    app_package: GivenApp,
    placement: Placement,
    deliver: Callable[[GivenApp, Placement], RunningApp],
) -> RunningApp:
    """The app, brought to the tracked branch; the checks of other capabilities share it.

    Whether it then runs is for the checks to find out.
    """
    return deliver(app_package, placement)


def refuse(placement: Placement, allowed: Collection[str]) -> None:
    """End a check whose package cannot be installed, or may not be; ``allowed`` as --app-allow."""
    if placement.problems:
        not_run(f"there is nothing to install: {placement.problems[0]}")
    if refused := refusals(placement.app, allowed):
        not_run(f"the package is refused: {refused[0]}")


@pytest.fixture
def running(delivered: RunningApp, settings: Settings) -> RunningApp:
    """The app, installed and Ready, and allowed as it is then; if not, the check cannot run."""
    if (guard := delivered.delivery.guard) and guard.tells():
        pytest.fail(guard.reason)
    try:
        delivered.delivery.wait_applied()
        delivered.delivery.wait_ready(STILL_READY)
    except AssertionError as error:
        not_run(f"the app does not run: {str(error).splitlines()[0]}")
    if refused := delivered.delivery.refused_as_applied(settings.app_allow):
        not_run(f"the app is refused: {refused[0]}")
    return delivered
