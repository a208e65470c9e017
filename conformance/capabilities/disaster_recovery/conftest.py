"""Fixtures of the checks of what comes back after the loss of the server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from conformance.apps.catalogue import APPS
from conformance.apps.image_builds import NOTES, VERSIONS
from conformance.capabilities.disaster_recovery.disaster import Disaster
from conformance.capabilities.disaster_recovery.remains import (
    NOTHING,
    WHOLE,
    WITHOUT_DATA,
    Remains,
)
from conformance.common.run_folder import run_folder
from conformance.suite.check import shared
from conformance.suite.described import object_store_of

if TYPE_CHECKING:
    from conformance.apps.image_builds import ImageBuilds
    from conformance.common.package import Package
    from conformance.common.settings import Settings
    from conformance.platform.clients import Clients
    from conformance.platform.secondary import SecondaryClusters
    from conformance.suite.backed_up_app import BackedUpApp


@pytest.fixture(scope=shared)
def disaster(
    secondary_clusters: SecondaryClusters,
    image_builds: ImageBuilds,
    package: Package,
    settings: Settings,
) -> Iterator[Disaster]:
    """A platform that people use, lost with its disk, and made anew, in the background."""
    image = image_builds.begin(package.app(NOTES), VERSIONS[0])
    with run_folder(settings.cache_dir / "buckets") as bucket:
        begun = Disaster(secondary_clusters, APPS[NOTES], image, package.root, bucket)
        yield begun
        begun.end()


@pytest.fixture(scope=shared)
def remains(
    backed_up_app: Callable[[str], BackedUpApp],
    clients: Clients,
    namespaces: Callable[[str], str],
) -> Iterator[Remains]:
    """What is left of an app's backups, and recoveries from that, in the background."""
    restored = {extent: namespaces(f"left-{extent}") for extent in (NOTHING, WITHOUT_DATA, WHOLE)}
    begun = Remains(backed_up_app("left"), object_store_of(clients), restored)
    yield begun
    begun.end()
