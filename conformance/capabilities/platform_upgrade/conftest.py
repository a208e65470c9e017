"""Fixtures of the checks of a platform's upgrade."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from conformance.apps.catalogue import APPS
from conformance.apps.image_builds import NOTES, VERSIONS
from conformance.capabilities.platform_upgrade.previous import previous_release
from conformance.capabilities.platform_upgrade.release import (
    ReferenceReleases,
    Releases,
    TreeReleases,
)
from conformance.capabilities.platform_upgrade.upgrade import Upgrade
from conformance.suite.check import not_run, shared

if TYPE_CHECKING:
    from conformance.apps.image_builds import ImageBuilds
    from conformance.common.package import Package
    from conformance.platform.secondary import SecondaryClusters
    from conformance.platform.site import SiteMaker


@pytest.fixture(scope=shared)
def releases(
    site_maker: SiteMaker, package: Package, tmp_path_factory: pytest.TempPathFactory
) -> Releases:
    """The release before, and the one under test."""
    given = site_maker.given
    if given is None:
        return ReferenceReleases(
            previous_release(tmp_path_factory.mktemp("previous")), package.root
        )
    if given.previous is None:
        not_run("no previous release given (--previous-platform)")
    return TreeReleases(given.previous, given)


@pytest.fixture(scope=shared)
def upgrade(
    releases: Releases,
    secondary_clusters: SecondaryClusters,
    image_builds: ImageBuilds,
    package: Package,
    site_maker: SiteMaker,
) -> Iterator[Upgrade]:
    """A platform that people use, and that moves to the release under test, in the background."""
    image = image_builds.begin(package.app(NOTES), VERSIONS[0])
    begun = Upgrade(secondary_clusters, releases, APPS[NOTES], image, site_maker.say)
    yield begun
    begun.end()
