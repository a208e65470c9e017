"""Fixtures of the clusters beside the one under test; each ends when no check needs it any more."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import Future

import pytest

from conformance.clusters.base import Cluster, Feature
from conformance.platform.secondary import SecondaryClusters
from conformance.platform.site import Site, SiteMaker
from conformance.suite.check import shared
from conformance.suite.needs import fixtures_of

RESTORE = "restore"
"""Purpose of the cluster that backups are restored into."""
_PURPOSES: Mapping[str, str] = {
    "testing_site": SecondaryClusters.TESTING,
    "other_cluster": RESTORE,
}
"""Of the cluster that each of these fixtures starts."""


@pytest.fixture(scope="session")
def secondary_clusters(
    cluster: Cluster,  # noqa: ARG001 - the one under test starts first and ends last
    site_maker: SiteMaker,
    request: pytest.FixtureRequest,
) -> Iterator[SecondaryClusters]:
    """Maker of more clusters: ``.begin("restore", lambda stack: stack.backups()).result()``."""
    made = SecondaryClusters(site_maker)
    ending = _Ending(made)
    request.config.pluginmanager.register(ending)
    yield made
    request.config.pluginmanager.unregister(ending)
    made.close()


class _Ending:
    """Ends secondary clusters after the last check that needs them: an idle one still takes time
    and memory from the others.

    Of checks in lanes it is told nothing: there they end with the run.
    """

    def __init__(self, clusters: SecondaryClusters) -> None:
        self._clusters = clusters

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(
        self, item: pytest.Item, nextitem: pytest.Item | pytest.Session | None
    ) -> Generator[None, object, object]:
        """End what no check after this one needs.

        Where a run is divided among clusters, nothing comes after the last one of a group: another
        group starts the cluster anew.
        """
        result = yield
        if nextitem is None:
            return result  # the run has ended, and all clusters with it
        items = item.session.items
        after = items[items.index(nextitem) :] if isinstance(nextitem, pytest.Item) else []
        for fixture in _PURPOSES.keys() - fixtures_of(after):
            self._clusters.end(_PURPOSES[fixture])
        return result


@pytest.fixture(scope=shared)
def testing_site(here: Site, request: pytest.FixtureRequest) -> Future[Site]:
    """The test cluster with single sign-on, being started: a second cluster if possible."""
    if Feature.SECOND_CLUSTER in here.cluster.features:
        secondary: SecondaryClusters = request.getfixturevalue("secondary_clusters")
        return secondary.testing()
    same: Future[Site] = Future()
    same.set_result(here)
    return same


@pytest.fixture(scope=shared)
def other_cluster(secondary_clusters: SecondaryClusters) -> Future[Site]:
    """Another cluster, being started: it has the platform's backups, and no app."""
    return secondary_clusters.begin(RESTORE, lambda stack: stack.backups())
