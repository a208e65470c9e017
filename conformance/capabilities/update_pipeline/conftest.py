"""What the update pipeline's checks share: the test cluster, the live instance, two new versions.

One version is good and is delivered; the other cannot log anybody in and must not be.
"""

from __future__ import annotations

import itertools
import secrets
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conformance.apps import images
from conformance.apps.acceptance import Person, acceptance_tests
from conformance.apps.flux_package import copy_of
from conformance.apps.images import BuiltImage, Candidate, TestsPassed
from conformance.apps.notes import Notes
from conformance.apps.tracked import TrackedApp, TrackedBranch
from conformance.apps.update_pipeline import Place, UpdatePipeline
from conformance.services.ingress import HttpClient
from conformance.services.kratos import Kratos
from conformance.suite.check import shared
from conformance.suite.twins import Patch

if TYPE_CHECKING:
    from conformance.apps.base import Seed
    from conformance.apps.image_builds import AppImages, ImageBuilds
    from conformance.common.package import Package
    from conformance.common.settings import Settings
    from conformance.oci.registry import Registry
    from conformance.platform.secondary import Site
    from conformance.suite.twins import Twin

UPGRADE_TIMEOUT = 60
"""Seconds after which the releases count an upgrade as failed."""
OLD_VERSION = "1.0.0"
BREAKS_LOGIN = Patch("notes/oidc.py", '/oidc/callback"', '/oidc/call-back"')
"""What is wrong with the source of the other version: it sends people back to nowhere."""

_numbers = itertools.count(int(time.time()))
"""Of the versions; a kept cluster's registry has those of earlier runs."""


@dataclass(frozen=True)
class LiveInstance:
    """The app as people use it, with data of theirs."""

    app: TrackedApp
    seed: Seed
    registry: Registry


class TestCluster:
    """Where new versions are tried out, and the user who does; waits for the cluster if need be."""

    __test__ = False  # not a test itself, whatever pytest makes of the name

    def __init__(self, site: Future[Site], package: Package, settings: Settings) -> None:
        self._site = site
        self._package = package
        self._settings = settings
        self.person = Person("pia@stackspin.test", "Pia", secrets.token_hex(16))

    @cached_property
    def place(self) -> Place:
        """The app's place there; made with the user."""
        site = self._site.result()
        branch = TrackedBranch.of(site)
        app = tracked_copy(self._package, "notes-tested", branch, site, self._settings)
        Kratos(site.kube).create(
            self.person.email, self.person.password, self.person.name, {app.name: "user"}
        )
        return Place(app, site.registry)

    def browser(self) -> HttpClient:
        """Return a browser with nobody logged in."""
        return self._site.result().stack.http()

    def clear(self) -> None:
        """Take app and user away, if they were made."""
        if "place" in vars(self):
            self.place.app.branch.remove([self.place.app])
            kratos = Kratos(self._site.result().kube)
            if identity := kratos.find(self.person.email):
                kratos.delete(identity.id)


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
        version = f"2.1.{next(_numbers)}"
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


def tracked_copy(
    package: Package, name: str, branch: TrackedBranch, site: Site, settings: Settings
) -> TrackedApp:
    """Return an app that is installed by the package of notes, under a name of its own."""
    name = f"{name}-{next(_numbers)}"
    copy = copy_of(package, "notes", name, failure_after=UPGRADE_TIMEOUT)
    return TrackedApp(branch, copy, Notes(), site.stack.http(), settings.domain)
