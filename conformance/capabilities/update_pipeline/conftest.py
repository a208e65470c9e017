"""Fixtures of the update pipeline's checks: the test cluster, the live instance, two new versions.

One version is good and is delivered; the other cannot log anybody in and must not be.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conformance.apps.acceptance import acceptance_tests
from conformance.apps.catalogue import NOTES
from conformance.apps.tracked_copy import tracked_copy
from conformance.apps.update_pipeline import Installation, UpdatePipeline
from conformance.capabilities.update_pipeline.instances import (
    NUMBERS,
    UPGRADE_TIMEOUT,
    LiveInstance,
    TestCluster,
)
from conformance.suite.check import shared
from conformance.suite.preparations import prepared

if TYPE_CHECKING:
    from conformance.apps.image_builds import ImageBuilds
    from conformance.apps.tracked import TrackedBranch
    from conformance.common.package import Package
    from conformance.platform.site import Site
    from conformance.suite.preparations import Materials, Preparations


@prepared("live", beside="chart_deployment")
def install_live(materials: Materials) -> LiveInstance:
    """Install an instance in version 1 by the branch that the cluster tracks, and seed it."""
    site, branch = materials.site, materials.branch()
    app = tracked_copy(
        site, branch, materials.package, NOTES, "live", failure_after=UPGRADE_TIMEOUT
    )
    branch.install([app.package])
    return LiveInstance(app, app.seed(), site.registry)


@pytest.fixture(scope=shared)
def live(
    preparations: Preparations,
    tracked_branch: TrackedBranch,
) -> Iterator[LiveInstance]:
    """An instance in version 1, installed by the branch that the cluster tracks."""
    made = preparations.result(install_live)
    yield made
    tracked_branch.remove([made.app])


@pytest.fixture(scope=shared)
def testing(testing_site: Future[Site], package: Package) -> Iterator[TestCluster]:
    """The test cluster."""
    made = TestCluster(testing_site, package)
    yield made
    made.clear()


@pytest.fixture(scope=shared)
def good_source(package: Package) -> Path:
    """The source of a version that works."""
    return package.app("notes")


@pytest.fixture(scope=shared)
def broken_source(good_source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source of a version in which nobody can log in: it sends users back to nowhere."""
    copy = tmp_path_factory.mktemp("broken") / "notes"
    shutil.copytree(good_source, copy)
    oidc = copy / "notes" / "oidc.py"
    before, callback, after = oidc.read_text(encoding="utf-8").partition('/oidc/callback"')
    assert callback, f"{oidc.name} names its redirect URI in another way now"
    oidc.write_text(f'{before}/oidc/call-back"{after}', encoding="utf-8")
    return copy


@pytest.fixture(scope=shared)
def pipelines(
    image_builder: None,  # noqa: ARG001 - of new sources
    image_builds: ImageBuilds,
    good_source: Path,
    broken_source: Path,
    testing: TestCluster,
    live: LiveInstance,
) -> dict[str, UpdatePipeline]:
    """A pipeline for each version; both images begin to be built."""

    def begin(source: Path) -> UpdatePipeline:
        version = f"2.1.{next(NUMBERS)}"
        return UpdatePipeline(
            image_builds,
            source,
            version,
            lambda: testing.installation,
            Installation(live.app, live.registry),
            acceptance_tests(version, testing.user, testing.browser),
        )

    return {"good": begin(good_source), "broken": begin(broken_source)}


@pytest.fixture
def pipeline(pipelines: dict[str, UpdatePipeline]) -> UpdatePipeline:
    """The pipeline of a version that works, as far as earlier checks have run it."""
    return pipelines["good"]
