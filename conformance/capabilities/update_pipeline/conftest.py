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

from conformance.apps import images
from conformance.apps.acceptance import acceptance_tests
from conformance.apps.images import BuiltImage, Candidate, TestsPassed
from conformance.apps.update_pipeline import Place, UpdatePipeline
from conformance.capabilities.update_pipeline.instances import (
    NUMBERS,
    LiveInstance,
    TestCluster,
    tracked_copy,
)
from conformance.suite.check import shared
from conformance.suite.twins import Patch

if TYPE_CHECKING:
    from conformance.apps.image_builds import AppImages, ImageBuilds
    from conformance.apps.tracked import TrackedBranch
    from conformance.common.package import Package
    from conformance.common.settings import Settings
    from conformance.oci.registry import Registry
    from conformance.platform.secondary import Site
    from conformance.suite.twins import Twin

OLD_VERSION = "1.0.0"
BREAKS_LOGIN = Patch("notes/oidc.py", '/oidc/callback"', '/oidc/call-back"')
"""What is wrong with the source of the other version: it sends people back to nowhere."""


class CarelessPipeline(UpdatePipeline):
    """The pipeline with one mistake, for the twins."""

    mistake = ""
    old: Future[BuiltImage]

    @property
    def tag_under_test(self) -> str:
        """Not that of the image that was built."""
        forgotten = self.mistake == "leaves the old image in the chart"
        return OLD_VERSION if forgotten else super().tag_under_test

    def _push(self, registry: Registry) -> Candidate:
        candidate = super()._push(registry)
        if self.mistake == "releases what it builds":
            registry.tag(candidate.by_digest, candidate.version)
        elif self.mistake == "leaves the old image in the chart":
            registry.push_layout(self.old.result().layout, f"{self.repository}:{OLD_VERSION}")
        return candidate

    def _test(self) -> TestsPassed:
        if self.mistake == "takes any result for a success":
            return TestsPassed(images.candidate_of(self._built.result()).digest, ())
        return super()._test()

    def _release(self, proof: TestsPassed) -> str:
        reference = super()._release(proof)
        if self.mistake == "releases another image":
            self._live.registry.tag(f"{self.repository}:{OLD_VERSION}", self.version)
        return reference


@pytest.fixture(scope=shared)
def live(
    here: Site,
    tracked_branch: TrackedBranch,
    app_images: AppImages,  # noqa: ARG001 - in the registry before anything is installed
    package: Package,
    settings: Settings,
) -> Iterator[LiveInstance]:
    """An instance in version 1, installed by the branch that the cluster tracks."""
    app = tracked_copy(package, "notes-live", tracked_branch, here, settings)
    tracked_branch.install([app.package])
    yield LiveInstance(app, app.seed(), here.registry)
    tracked_branch.remove([app])


@pytest.fixture(scope=shared)
def testing(
    testing_site: Future[Site], package: Package, settings: Settings
) -> Iterator[TestCluster]:
    """The test cluster."""
    made = TestCluster(testing_site, package, settings)
    yield made
    made.clear()


@pytest.fixture(scope=shared)
def good_source(package: Package) -> Path:
    """The source of a version that works."""
    return package.app("notes")


@pytest.fixture(scope=shared)
def broken_source(
    good_source: Path, twin: Twin | None, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The source of a version in which nobody can log in."""
    copy = tmp_path_factory.mktemp("broken") / "notes"
    shutil.copytree(good_source, copy)
    if not (twin and twin.settings.get("source") == "works"):
        BREAKS_LOGIN.apply(copy)
    return copy


@pytest.fixture(scope=shared)
def pipelines(
    image_builds: ImageBuilds,
    good_source: Path,
    broken_source: Path,
    testing: TestCluster,
    live: LiveInstance,
    twin: Twin | None,
) -> dict[str, UpdatePipeline]:
    """A pipeline for each version; both images begin to be built."""
    made: dict[str, UpdatePipeline] = {}
    for name, source in (("good", good_source), ("broken", broken_source)):
        version = f"2.1.{next(NUMBERS)}"
        made[name] = pipeline = CarelessPipeline(
            image_builds,
            source,
            version,
            lambda: testing.place,
            Place(live.app, live.registry),
            acceptance_tests(version, testing.person, testing.browser),
        )
        pipeline.mistake = twin.settings.get("mistake", "") if twin else ""
        pipeline.old = image_builds.begin(good_source, OLD_VERSION)
    return made


@pytest.fixture
def pipeline(pipelines: dict[str, UpdatePipeline]) -> UpdatePipeline:
    """The pipeline of a version that works, as far as earlier checks have run it."""
    return pipelines["good"]
