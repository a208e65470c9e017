"""The schedule: what is set up first, and what later checks need while earlier ones run.

A session fixture begins such an installation. It is added to the check during which it shall begin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import wait
from functools import partial
from typing import TYPE_CHECKING

import pytest

from conformance.clusters.base import Cluster, Feature
from conformance.components.waiting import in_thread
from conformance.suite.check import CAPABILITIES, check_of
from conformance.suite.fixtures import stays
from conformance.suite.needs import fixtures_of
from conformance.suite.preparations import may_be_prepared

if TYPE_CHECKING:
    from conformance.platform.secondary import SecondaryClusters
    from conformance.platform.stack import Stack
    from conformance.suite.preparations import Preparations
    from conformance.suite.run import Run

_OF_LEVELS = "chart_deployment"
"""Beside the checks of which capability things are prepared that come after the later levels."""
_OF_PIPELINE = "update_pipeline"
"""The same of what must not be under way when a check of single_sign_on kills the node."""


def arrange(items: list[pytest.Item]) -> None:
    """Choose the checks during which an installation begins, and add its fixture to each."""
    needed = fixtures_of(items)
    if "cluster_begun" in needed:
        _first("cluster_begun", items[:1])
    if "image_builds" in needed:
        _first("image_builds", items[:1])
    of_apps = [item for item in items if (check := check_of(item)) and check.app_level]
    _first("needed_features", [item for item in items if (check := check_of(item)) and check.needs])
    _first("needed_abilities", of_apps)  # which takes no cluster to find out
    _first("expected_here", [item for item in items if check_of(item)])
    if "platform" in needed:
        _join("platform_begun", [item for item in items if "kube" in fixtures_of([item])])
    _join("later_levels_begun", _undisturbed(items))
    if may_be_prepared(_OF_PIPELINE, needed):
        _join("prepared_beside_pipeline", _of(_OF_PIPELINE, items))
    if "testing_site" in needed:
        for item in items[len(_up_to("auto_update", items)) :]:
            _join("testing_connected", [item])


@pytest.fixture(scope="session")
def platform_begun(stack: Stack) -> None:
    """The platform, being installed during the checks of images, which need none."""
    stack.begin(stack.platform)


@pytest.fixture(scope="session")
def later_levels_begun(
    request: pytest.FixtureRequest, run: Run, cluster: Cluster, stack: Stack
) -> None:
    """What else later checks need, being installed during those that need only the platform.

    One after another, in the order of the checks: at the same time, they only compete for the node.
    But backups come beside the others, of which most is waiting until Flux looks again, and Velero
    may have to be built first; and with the last of them the test cluster begins to start. Of
    several clusters, the one whose checks need a test cluster starts it then.
    """
    needed = fixtures_of(request.session.items)
    first: list[Callable[[], object]] = []
    if "single_sign_on" in needed:
        first.append(stack.single_sign_on)
    then: list[Callable[[], object]] = []
    if "reference_apps" in needed:
        then.append(request.getfixturevalue("reference_apps"))
    side_by_side: list[Callable[[], object]] = [
        *_prepared_beside(_OF_LEVELS, request, run, cluster)
    ]
    is_alone = run.settings.clusters == "1"
    if "testing_site" in needed and is_alone and Feature.SECOND_CLUSTER in cluster.features:
        secondary: SecondaryClusters = request.getfixturevalue("secondary_clusters")
        secondary.prepare(secondary.TESTING)
        side_by_side.append(secondary.testing)
    then.append(partial(_at_the_same_time, side_by_side))
    parallel: list[Callable[[], object]] = [partial(_one_after_another, then)]
    if "backups" in needed:
        parallel.append(stack.backups)
    stack.begin(*first, partial(_at_the_same_time, parallel))


@pytest.fixture(scope="session")
def testing_connected(request: pytest.FixtureRequest, run: Run, cluster: Cluster) -> None:
    """The test cluster has its place in the host's network: no page may be loaded meanwhile.

    It begins to start unless it has begun by then.
    """
    if Feature.SECOND_CLUSTER in cluster.features and not run.twins:
        secondary: SecondaryClusters = request.getfixturevalue("secondary_clusters")
        secondary.testing()


@pytest.fixture(scope="session")
def prepared_beside_pipeline(
    request: pytest.FixtureRequest, run: Run, cluster: Cluster, stack: Stack
) -> None:
    """What the checks after those of the update pipeline share, being made during these."""
    stack.begin(*_prepared_beside(_OF_PIPELINE, request, run, cluster))


def _at_the_same_time(acts: Iterable[Callable[[], object]]) -> None:
    """Return when each of these is done or has failed: who uses it later is told of that."""
    wait([in_thread("level", act) for act in acts])


def _one_after_another(acts: Iterable[Callable[[], object]]) -> None:
    """Do these; of what fails, who uses it later is told."""
    for act in acts:
        _at_the_same_time([act])


def _prepared_beside(
    capability: str, request: pytest.FixtureRequest, run: Run, cluster: Cluster
) -> list[Callable[[], None]]:
    """Return what makes the things that later checks share.

    Only where all that the run makes goes with it, as its cluster does, or by the ledger: what no
    check comes to use, nobody else takes away.
    """
    wanted = fixtures_of(request.session.items)
    if run.twins or not may_be_prepared(capability, wanted):
        return []
    if stays(run, cluster) and request.getfixturevalue("ledger") is None:
        return []
    preparations: Preparations = request.getfixturevalue("preparations")
    return preparations.beside(capability)


def _first(fixture: str, items: list[pytest.Item]) -> None:
    """Have a fixture set up before the others of these tests."""
    for item in items:
        if fixture not in item.fixturenames:  # type: ignore[attr-defined]
            item.fixturenames.insert(0, fixture)  # type: ignore[attr-defined]


def _join(fixture: str, items: list[pytest.Item]) -> None:
    """Add a fixture to the first of these tests, if there is one.

    To a list of its own: pytest's is shared by all tests that are made of one function.
    """
    for item in items[:1]:
        item.fixturenames = [*item.fixturenames, fixture]  # type: ignore[attr-defined]


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


def _of(capability: str, items: list[pytest.Item]) -> list[pytest.Item]:
    """Return the checks of this capability that do not kill the node."""
    return [
        item
        for item in items
        if (this := check_of(item))
        and this.capability == capability
        and Feature.NODE_KILL not in this.needs
    ]
