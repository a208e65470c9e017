"""Fixtures of the auto-update checks: apps in the tracked branch, some of them just being broken.

Each app is a copy of the package of notes under a name of its own, so that what goes wrong with
one happens at the same time as everything else and disturbs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conformance.apps.catalogue import NOTES
from conformance.apps.tracked import TrackedApp
from conformance.apps.tracked_copy import tracked_copy
from conformance.capabilities.auto_update.broken_upgrade import BrokenUpgrade
from conformance.capabilities.auto_update.commits import COMMITS, UPGRADE_TIMEOUT
from conformance.capabilities.auto_update.visit import ANSWER, Visit
from conformance.kube.apply import apply_file
from conformance.services.availability import AvailabilityMonitor
from conformance.suite.check import shared
from conformance.suite.preparations import prepared

if TYPE_CHECKING:
    from conformance.apps.base import Seed
    from conformance.apps.tracked import TrackedBranch
    from conformance.platform.stack import Stack
    from conformance.suite.preparations import Materials, Preparations

OVERRIDES = Path(__file__).with_name("overrides.yaml")
APPS = ("steady", "moving", "missing_image", "failing_migration", "unready_upgrade")
"""Fixtures, each of which is an app; those called as a commit are about to be broken by it."""
PACE = 1.0
"""Seconds between the requests to an app about to be broken, which go on for minutes: how long it
is away is compared with tens of seconds."""


@pytest.fixture(scope=shared)
def branch(stack: Stack, tracked_branch: TrackedBranch) -> TrackedBranch:
    """The branch that Flux tracks, to which only these checks push."""
    stack.settle()  # other commits would be taken for a check's own
    return tracked_branch


@prepared("apps", beside="chart_deployment")
def install_apps(materials: Materials) -> dict[str, TrackedApp]:
    """Install the apps that the selected checks ask for, side by side by one commit."""
    branch = materials.branch()
    made = {
        scenario: tracked_copy(
            materials.site,
            branch,
            materials.package,
            NOTES,
            scenario.replace("_", "-"),
            failure_after=UPGRADE_TIMEOUT,
            commit=COMMITS["special_values"] if scenario == "moving" else None,
        )
        for scenario in APPS
        if scenario in materials.wanted
    }
    if "steady" in made:
        app = made["steady"]
        apply_file(materials.site.kube, OVERRIDES, app=app.name, namespace=app.namespace)
    try:
        branch.install([app.package for app in made.values()])
    except BaseException:
        _remove(made)
        raise
    return made


@pytest.fixture(scope=shared)
def apps(
    preparations: Preparations,
    branch: TrackedBranch,  # noqa: ARG001 - nobody else pushes to it from now on
) -> Iterator[dict[str, TrackedApp]]:
    """The apps that the selected checks ask for."""
    made = preparations.result(install_apps)
    try:
        yield made
    finally:
        _remove(made)


def _remove(apps: Mapping[str, TrackedApp]) -> None:
    for app in [*apps.values()][:1]:
        app.branch.remove([*apps.values()])
    if steady := apps.get("steady"):
        for kind in ("ConfigMap", "Secret"):  # of OVERRIDES
            name = f"stackspin-{steady.name}-override"
            steady.branch.kube.delete("v1", kind, name, steady.namespace)


@pytest.fixture(scope=shared)
def seeds(apps: dict[str, TrackedApp]) -> dict[str, Seed]:
    """What is in each app from the beginning."""
    with ThreadPoolExecutor() as executor:
        return dict(zip(apps, executor.map(TrackedApp.seed, apps.values()), strict=True))


@pytest.fixture(scope=shared)
def broken_upgrades(
    branch: TrackedBranch,
    apps: dict[str, TrackedApp],
    seeds: dict[str, Seed],
    stack: Stack,
) -> Iterator[dict[str, BrokenUpgrade]]:
    """The apps whose upgrade goes wrong, all at the same time, while the other checks go on."""
    commits = {name: COMMITS[name] for name in apps if name in COMMITS}
    with ExitStack() as visits:
        visitors = {
            name: visits.enter_context(AvailabilityMonitor(stack.http(), apps[name].url, PACE))
            for name in commits
        }
        for visitor in visitors.values():
            visitor.wait_answer(ANSWER)
        branch.push_commits({apps[name]: commit for name, commit in commits.items()})
        yield {
            name: BrokenUpgrade(apps[name], seeds[name], commit, visitors[name])
            for name, commit in commits.items()
        }


@pytest.fixture(scope=shared)
def put_right(
    branch: TrackedBranch, broken_upgrades: dict[str, BrokenUpgrade]
) -> dict[str, BrokenUpgrade]:
    """The same when Flux has given up each upgrade, and one commit has put all of them right."""
    for upgrade in broken_upgrades.values():
        with suppress(Exception):  # the check of this upgrade has the error
            upgrade.aftermath()
    good = COMMITS["version_2_put_right"]
    branch.push_commits({upgrade.app: good for upgrade in broken_upgrades.values()})
    return broken_upgrades


@pytest.fixture
def steady(apps: dict[str, TrackedApp], broken_upgrades: object) -> TrackedApp:
    """An app in version 1 that each check leaves as it found it."""
    del broken_upgrades  # under way already, so that their checks need not wait
    return apps["steady"]


@pytest.fixture
def moving(apps: dict[str, TrackedApp], broken_upgrades: object) -> TrackedApp:
    """An app that is upgraded."""
    del broken_upgrades
    return apps["moving"]


@pytest.fixture
def missing_image(put_right: dict[str, BrokenUpgrade]) -> BrokenUpgrade:
    """An app that is told to run an image that does not exist."""
    return put_right["missing_image"]


@pytest.fixture
def failing_migration(put_right: dict[str, BrokenUpgrade]) -> BrokenUpgrade:
    """An app whose data cannot be migrated."""
    return put_right["failing_migration"]


@pytest.fixture
def unready_upgrade(put_right: dict[str, BrokenUpgrade]) -> BrokenUpgrade:
    """An app that never becomes ready in its new version."""
    return put_right["unready_upgrade"]


@pytest.fixture
def visit(steady: TrackedApp, stack: Stack) -> Iterator[Visit]:
    """Somebody who uses the steady app all the time; the control asks the platform for its keys."""
    keys = f"{stack.clients.platform.single_sign_on.issuer}.well-known/jwks.json"
    with (
        AvailabilityMonitor(stack.http(), steady.url) as app,
        AvailabilityMonitor(stack.http(), keys) as control,
    ):
        app.wait_answer(ANSWER)
        control.wait_answer(ANSWER)
        yield Visit(app, control)
