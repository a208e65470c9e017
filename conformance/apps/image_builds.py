"""A run's app images: each source and version is built once, ahead of time where it is known."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.apps import images, ready_images
from conformance.apps.images import BuiltImage, Candidate, ImageTest
from conformance.common import course
from conformance.common.course import Step
from conformance.common.settings import data_root
from conformance.components.processes import Runner
from conformance.components.recipe import hash_folder
from conformance.components.waiting import submit
from conformance.platform.steps import Steps

if TYPE_CHECKING:
    from conformance.common.package import Package
    from conformance.components.builder import Components
    from conformance.oci.registry import Registry

NOTES = "notes"
VERSIONS = ("1.0.0", "2.0.0")
"""Of each app; the major number is the schema of the data of ``notes``."""
NAMESPACE = "docker.io/stackspin"


def source_of(app: str) -> Path:
    """Return the folder of a reference app's source and Dockerfile, as committed."""
    return data_root() / "fixtures" / "apps" / app


def hardlink_blobs(layout: Path, store: Path) -> None:
    """Have each blob of an OCI layout only once on the disk: hard links to those in ``store``.

    Nearly all of a reference app's 200 MB is its base image; a run of twins builds 60 of them.
    """
    store.mkdir(exist_ok=True)
    for blob in (layout / "blobs" / "sha256").iterdir():
        shared = store / blob.name
        try:
            shared.hardlink_to(blob)
        except FileExistsError:
            blob.unlink()
            blob.hardlink_to(shared)


class ImageBuilds:
    """Builds in a background thread, one at a time, as they share the builder's storage."""

    def __init__(self, components: Components, folder: Path, cache: Path | None = None) -> None:
        """``folder`` gets the images; ``cache`` may have some already (``ready_images.py``)."""
        self._components = components
        self._folder = folder
        self._cache = cache
        self._runner = Runner()
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="image-builds")
        self._builds: dict[tuple[str, str], Future[BuiltImage]] = {}
        self._guard = threading.Lock()
        self._numbers = itertools.count(1)

    def begin(
        self, source: Path, version: str, repository: str | None = None
    ) -> Future[BuiltImage]:
        """Queue a build, once for the same source and version; returns at once.

        Another ``repository`` than by default is for versions that nothing else is built as.
        """
        content = hash_folder(source)
        with self._guard:
            if (content, version) not in self._builds:
                repository = repository or self._repository(source.name, content)
                build = partial(self._ready_or_built, source, repository, version)
                step = _building(repository, version)
                self._builds[content, version] = submit(self._executor, build, step)
            return self._builds[content, version]

    def _ready_or_built(self, source: Path, repository: str, version: str) -> BuiltImage:
        layout = ready_images.layout(self._cache, source, version) if self._cache else None
        if layout and layout.is_dir():
            return BuiltImage(repository, version, layout, ready_images.BUILDER)
        return self.build(source, repository, version)

    def build(self, source: Path, repository: str, version: str, **build_args: str) -> BuiltImage:
        """Build now. Raises HarnessError, CommandFailedError with the builder's output."""
        output = self._folder / f"{next(self._numbers)}-{version}"
        with course.taking(_building(repository, version)):
            image = images.build(
                source,
                repository,
                version,
                self._components,
                output,
                build_args=build_args,
                runner=self._runner,
            )
        hardlink_blobs(output, self._folder / "blobs")
        return image

    def close(self) -> None:
        """Kill what is being built and wait for its end."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._runner.stop()
        self._executor.shutdown()

    @staticmethod
    def _repository(app: str, content: str) -> str:
        """Only the committed source gets the app's own name: a broken twin never replaces it."""
        if content == hash_folder(source_of(app)):
            return f"{NAMESPACE}/{app}"
        return f"{NAMESPACE}/{app}-{content[:8]}"


def _building(repository: str, version: str) -> Step:
    return Step("app image", f"build {_short(repository, version)}")


def _short(repository: str, version: str) -> str:
    """Return what tells an image from the run's others: other content has another repository."""
    return f"{repository.rpartition('/')[2]}:{version}"


class AppImages:
    """App images in the cluster's registry, each pushed, and where asked for released, once.

    Thread-safe: what later checks need is released beside earlier ones.
    """

    def __init__(
        self,
        builds: ImageBuilds,
        registry: Registry,
        tests_of: Callable[[BuiltImage], dict[str, ImageTest]],
    ) -> None:
        self._builds = builds
        self._registry = registry
        self._tests_of = tests_of
        self._steps = Steps("app image")

    def pushed(self, source: Path, version: str) -> Candidate:
        """Return the image of ``source``, tagged for testing only."""
        image = self._builds.begin(source, version).result()
        candidate = images.candidate_of(image)
        push = partial(images.push_for_testing, self._registry, image)
        self._steps.run(f"push {_short(image.repository, image.version)}", push)
        return candidate

    def released(self, source: Path, version: str) -> Candidate:
        """Return the image of ``source`` after its release; a failing test of it is raised."""
        candidate = self.pushed(source, version)
        image = self._builds.begin(source, version).result()
        release = partial(images.release, self._registry, image, self._tests_of(image))
        self._steps.run(f"release {_short(image.repository, image.version)}", release)
        return candidate

    def of(self, package: Package, app: str, version: str) -> Candidate:
        """Return the image of the package's source: released, or of a twin's patched source."""
        source = package.app(app)
        if hash_folder(source) == hash_folder(source_of(app)):
            return self.released(source, version)
        return self.untested(source, version)

    def released_each(self, source: Path, versions: Sequence[str]) -> list[Candidate]:
        """Release several versions side by side; the first failing test is raised."""
        with ThreadPoolExecutor(len(versions)) as executor:
            each = [submit(executor, partial(self.released, source, one)) for one in versions]
            return [future.result() for future in each]

    def untested(self, source: Path, version: str) -> Candidate:
        """Return the image of a broken twin, tagged as if its tests had passed."""
        candidate = self.pushed(source, version)
        self._registry.tag(candidate.by_digest, candidate.version)
        return candidate
