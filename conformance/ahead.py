"""Installs what later checks need while earlier checks run, if that does not disturb them.

A session fixture that begins an installation is added to the check during which it happens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import pytest

from conformance.check import CAPABILITIES, check_of
from conformance.clusters.base import Cluster, Feature
from conformance.components.waiting import submit

if TYPE_CHECKING:
    from conformance.apps.image_builds import AppImages
    from conformance.stack import Stack
    from conformance.stack.beside import ClustersBeside


def pytest_collection_finish(session: pytest.Session) -> None:
    """Choose the checks during which something is installed for later ones."""
    needed = fixtures_of(session.items)
    if "platform" in needed:
        _join("platform_ahead", [item for item in session.items if "kube" in fixtures_of([item])])
    _join("installed_ahead", _undisturbed(session.items))
    if "testing_site" in needed:
        # If not begun earlier: not during the checks of auto_update, which measure for how long an
        # app does not answer.
        _join("testing_site", [*_up_to("auto_update", session.items)[-1:], *session.items])


def fixtures_of(items: Iterable[pytest.Item]) -> set[str]:
    """Return the names of all fixtures that any of the tests needs."""
    return {name for item in items for name in getattr(item, "fixturenames", ())}


@pytest.fixture(scope="session")
def platform_ahead(stack: Stack) -> None:
    """The platform, installed while the checks of images run, which do not need it."""
    stack.begin(stack.platform)


@pytest.fixture(scope="session")
def installed_ahead(request: pytest.FixtureRequest, cluster: Cluster, stack: Stack) -> None:
    """What else later checks need, installed while those run that need only the platform.

    One after another, in the order of the checks: in parallel they would compete for the node.
    """
    needed = fixtures_of(request.session.items)
    levels: list[Callable[[], object]] = []
    if "single_sign_on" in needed:
        levels.append(stack.single_sign_on)
    if "reference_apps" in needed:
        levels.append(request.getfixturevalue("reference_apps"))
    if "backups" in needed:
        levels.append(stack.backups)
    if "testing_site" in needed and Feature.SECOND_CLUSTER in cluster.features:
        beside: ClustersBeside = request.getfixturevalue("clusters_beside")
        beside.prepare(beside.TESTING)
        levels.append(lambda: beside.testing().result())
    stack.begin(*levels)


@pytest.fixture(scope="session")
def reference_apps(stack: Stack, images: AppImages) -> Callable[[], None]:
    """Installs the reference apps in parallel, by Flux; returns when they are Ready."""
    from conformance.apps.catalogue import APPS  # noqa: PLC0415 - lazy
    from conformance.apps.image_builds import VERSIONS, source_of  # noqa: PLC0415

    def install(name: str) -> None:
        images.released(source_of(name), VERSIONS[0])
        stack.app(name)

    def install_each() -> None:
        with ThreadPoolExecutor(len(APPS)) as executor:
            for installed in [submit(executor, partial(install, name)) for name in APPS]:
                installed.result()

    return install_each


def _join(fixture: str, items: list[pytest.Item]) -> None:
    """Add a fixture to the first of these tests, if there is one."""
    for item in items[:1]:
        item.fixturenames.append(fixture)  # type: ignore[attr-defined]


def _undisturbed(items: list[pytest.Item]) -> list[pytest.Item]:
    """Return the checks on the platform that neither kill the node nor watch what Flux does.

    They are between the last check that kills the node and those of auto_update, which observe
    what each commit does and stop the Git server.
    """
    candidates: list[pytest.Item] = []
    for item in _up_to("chart_deployment", items):
        check = check_of(item)
        if check and Feature.NODE_KILL in check.needs:
            candidates = []
        elif "platform" in fixtures_of([item]):
            candidates.append(item)
    return candidates


def _up_to(capability: str, items: list[pytest.Item]) -> list[pytest.Item]:
    """Return the checks of this capability and of the capabilities before it."""
    last = CAPABILITIES.index(capability)
    return [
        item
        for item in items
        if (this := check_of(item)) and CAPABILITIES.index(this.capability) <= last
    ]
