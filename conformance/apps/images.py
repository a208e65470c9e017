"""An app's image from its Dockerfile to its release, in the order that Stackspin documents.

Build; push as ``VERSION-test``; test what was pushed; only then tag the same bytes ``VERSION``.
Source: Stackspin's design, "Container updates", steps 1, 4 and 5.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from conformance.apps import docker_engine
from conformance.common.errors import HarnessError
from conformance.components import buildah

if TYPE_CHECKING:
    from conformance.components.builder import Components
    from conformance.components.processes import Runner
    from conformance.oci.registry import Registry

BASE_IMAGES = ("image-debian",)
"""Components that an app's Dockerfile can name in FROM."""

ImageTest = Callable[[str], None]
"""Tests the image of the given reference; raises AssertionError when it is not good."""


@dataclass(frozen=True)
class BuiltImage:
    """An image as the build left it: an OCI layout on this machine's disk."""

    repository: str
    version: str
    layout: Path
    builder: str
    """buildah or docker."""

    @property
    def digest(self) -> str:
        """The manifest's digest: what identifies these very bytes everywhere."""
        index = json.loads((self.layout / "index.json").read_text())
        return str(index["manifests"][0]["digest"])

    def configuration(self) -> dict[str, Any]:
        """Return the image's configuration and history (OCI image specification, config.md)."""
        manifest = json.loads(self._blob(self.digest).read_text())
        found: dict[str, Any] = json.loads(self._blob(manifest["config"]["digest"]).read_text())
        return found

    def layers(self, *, top_first: bool = False) -> Iterator[BinaryIO]:
        """Yield each layer's bytes, the base image's first, unless the topmost is wanted first."""
        layers = json.loads(self._blob(self.digest).read_text())["layers"]
        for layer in reversed(layers) if top_first else layers:
            with self._blob(layer["digest"]).open("rb") as blob:
                yield blob

    def _blob(self, digest: str) -> Path:
        algorithm, _, value = digest.partition(":")
        return self.layout / "blobs" / algorithm / value


def can_build(components: Components) -> bool:
    """Return whether images can be built here: by buildah as root, else by a Docker engine."""
    bases = tuple(components.image_reference(name) for name in BASE_IMAGES)
    return os.geteuid() == 0 or docker_engine.can_build_on(bases)


def build(
    context: Path,
    repository: str,
    version: str,
    components: Components,
    output: Path,
    *,
    build_args: Mapping[str, str] | None = None,
    runner: Runner | None = None,
) -> BuiltImage:
    """Build ``context``'s Dockerfile with build argument VERSION; ``output`` must not exist yet.

    By a Docker engine where one answers that has the base images, else by buildah. Raises
    HarnessError (a tool is missing), CommandFailedError with the builder's output.
    """
    tag = f"{repository}:{version}"
    arguments = {"VERSION": version, **(build_args or {})}
    bases = tuple(components.image_reference(name) for name in BASE_IMAGES)
    if docker_engine.can_build_on(bases):
        docker_engine.build_image(
            context, tag=tag, output=output, build_args=arguments, runner=runner
        )
        return BuiltImage(repository, version, output, "docker")
    layouts = (components.image_layout(name) for name in BASE_IMAGES)
    buildah.build_image(
        context,
        tag=tag,
        base_layouts=dict(zip(bases, layouts, strict=True)),
        output=output,
        build_args=arguments,
        runner=runner,
    )
    return BuiltImage(repository, version, output, "buildah")


@dataclass(frozen=True)
class Candidate:
    """An image in the registry, tagged for testing."""

    repository: str
    version: str
    digest: str

    @property
    def test_tag(self) -> str:
        """The tag under which it is tested."""
        return f"{self.version}-test"

    @property
    def by_digest(self) -> str:
        """Reference of exactly these bytes, whatever becomes of the tags."""
        return f"{self.repository}@{self.digest}"

    @property
    def reference(self) -> str:
        """Reference of the release; there is none before the promotion."""
        return f"{self.repository}:{self.version}"


@dataclass(frozen=True)
class TestsPassed:
    """Proof, without which nothing is promoted: these tests passed on the image of this digest."""

    __test__ = False  # not a test itself, whatever pytest makes of the name

    digest: str
    tests: tuple[str, ...]


def candidate_of(image: BuiltImage) -> Candidate:
    """Return what a built image is in the registry once it is pushed."""
    return Candidate(image.repository, image.version, image.digest)


def push_for_testing(registry: Registry, image: BuiltImage) -> Candidate:
    """Push an image as ``VERSION-test``. Raises HarnessError."""
    candidate = candidate_of(image)
    registry.push_layout(image.layout, f"{candidate.repository}:{candidate.test_tag}")
    return candidate


def run_tests(candidate: Candidate, tests: Mapping[str, ImageTest]) -> TestsPassed:
    """Run every test on the pushed bytes; the first that fails is raised.

    Raises HarnessError when there is no test: nothing was proved.
    """
    if not tests:
        raise HarnessError(f"{candidate.reference} has no tests, so it cannot be released")
    for test in tests.values():
        test(candidate.by_digest)
    return TestsPassed(candidate.digest, tuple(tests))


def promote(registry: Registry, candidate: Candidate, proof: TestsPassed) -> str:
    """Tag the tested bytes ``VERSION``; return the release's reference.

    Raises HarnessError when the proof is about other bytes.
    """
    if proof.digest != candidate.digest:
        raise HarnessError(
            f"{candidate.by_digest} was not tested: the tests passed on {proof.digest}",
            "run the tests on this image",
        )
    registry.tag(candidate.by_digest, candidate.version)
    return candidate.reference


def release(registry: Registry, image: BuiltImage, tests: Mapping[str, ImageTest]) -> Candidate:
    """Take a built image all the way to its release. Raises what the first failing test raises."""
    candidate = push_for_testing(registry, image)
    promote(registry, candidate, run_tests(candidate, tests))
    return candidate
