"""What is wrong with the pipeline on which a twin of its checks runs: one step is careless."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest

from conformance.apps import images
from conformance.apps.image_builds import NOTES, VERSIONS, source_of
from conformance.apps.images import Candidate, ImageTest, TestsPassed
from conformance.apps.update_pipeline import UpdatePipeline

if TYPE_CHECKING:
    from conformance.apps.image_builds import ImageBuilds
    from conformance.oci.registry import Registry
    from conformance.platform.site import Site

OLD_VERSION = VERSIONS[0]


@pytest.fixture
def image_released_when_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """The new image is tagged for release as soon as it is built."""
    push = UpdatePipeline._push

    def push_and_release(pipeline: UpdatePipeline, registry: Registry) -> Candidate:
        candidate = push(pipeline, registry)
        registry.tag(candidate.by_digest, candidate.version)
        return candidate

    monkeypatch.setattr(UpdatePipeline, "_push", push_and_release)


@pytest.fixture
def old_image_left_in_chart(monkeypatch: pytest.MonkeyPatch, image_builds: ImageBuilds) -> None:
    """The chart gets a new version but keeps the old image, which every registry has."""
    push = UpdatePipeline._push
    old = image_builds.begin(source_of(NOTES), OLD_VERSION)

    def push_old_too(pipeline: UpdatePipeline, registry: Registry) -> Candidate:
        registry.push_layout(old.result().layout, f"{pipeline.repository}:{OLD_VERSION}")
        return push(pipeline, registry)

    monkeypatch.setattr(UpdatePipeline, "_push", push_old_too)
    monkeypatch.setattr(UpdatePipeline, "tag_under_test", OLD_VERSION)


@pytest.fixture
def another_image_released(monkeypatch: pytest.MonkeyPatch, here: Site) -> None:
    """The release tag is given to another image than the one that was tested."""
    release = UpdatePipeline._release

    def release_another(pipeline: UpdatePipeline, proof: TestsPassed) -> str:
        reference = release(pipeline, proof)
        here.registry.tag(f"{pipeline.repository}:{OLD_VERSION}", pipeline.version)
        return reference

    monkeypatch.setattr(UpdatePipeline, "_release", release_another)


@pytest.fixture
def failed_test_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that fails is taken for a success."""
    test = UpdatePipeline._test

    def carry_on(pipeline: UpdatePipeline) -> TestsPassed:
        try:
            return test(pipeline)
        except AssertionError:
            return TestsPassed(pipeline.tag_for_testing().digest, ())

    monkeypatch.setattr(UpdatePipeline, "_test", carry_on)


@pytest.fixture
def login_not_tested(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a new version's tests, the one that logs a user in is left out."""
    run_tests = images.run_tests

    def without_login(candidate: Candidate, tests: Mapping[str, ImageTest]) -> TestsPassed:
        kept = {name: test for name, test in tests.items() if "log in" not in name}
        return run_tests(candidate, kept)

    monkeypatch.setattr(images, "run_tests", without_login)
