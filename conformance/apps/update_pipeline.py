"""A new version's way from its source to the running instance, in six steps.

Stackspin's design, "Container updates": build and tag for testing; update the chart; deploy it to a
test cluster; test there; tag for release; the automated update upgrades the instance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from conformance.apps import images
from conformance.apps.flux_package import Commit
from conformance.apps.image_builds import NAMESPACE, ImageBuilds
from conformance.apps.images import Candidate, ImageTest, TestsPassed
from conformance.apps.tracked import TrackedApp
from conformance.oci.registry import Registry
from conformance.platform.steps import Steps

AppTest = Callable[[TrackedApp], None]
"""Tests a deployed app; raises AssertionError when it is not good."""


@dataclass(frozen=True)
class Installation:
    """An app that a cluster installs from its tracked branch, and where its images come from."""

    app: TrackedApp
    registry: Registry


class UpdatePipeline:
    """Takes one version of an app all the way; each step is taken once, after those before it.

    ``testing`` waits for the test cluster, ``tests`` must pass there before the release.
    """

    def __init__(
        self,
        builds: ImageBuilds,
        source: Path,
        version: str,
        testing: Callable[[], Installation],
        live: Installation,
        tests: Mapping[str, AppTest],
    ) -> None:
        self.version = version
        self.repository = f"{NAMESPACE}/{live.app.app.name}"
        self._testing = testing
        self._live = live
        self._tests = tests
        self._steps = Steps()
        self._built = builds.begin(source, version, self.repository)

    @property
    def tag_under_test(self) -> str:
        """The image's tag in the chart for as long as that is tested."""
        return images.candidate_of(self._built.result()).test_tag

    @property
    def testing_branch(self) -> str:
        """The branch on which the new chart waits for its tests; no cluster tracks it."""
        return f"testing-{self._live.app.name}-{self.version}"

    @property
    def seconds(self) -> dict[str, float]:
        """How long each step took that was taken; the first waits for the build."""
        return {timing.name: timing.seconds for timing in self._steps.timings}

    def tag_for_testing(self) -> Candidate:
        """Step 1: build the source, and push it as ``VERSION-test``."""
        return self._steps.run("tag for testing", lambda: self._push(self._live.registry))

    def update_chart(self) -> str:
        """Step 2: commit the chart that brings the new image; return the commit's hash."""
        self.tag_for_testing()
        return self._steps.run("update chart", self._update_chart)

    def deploy_to_test_cluster(self) -> Installation:
        """Step 3: let the test cluster have the new chart, with the image tagged for testing."""
        self.update_chart()
        return self._steps.run("deploy", self._deploy)

    def test(self) -> TestsPassed:
        """Step 4: run the tests on what is deployed there; the first that fails is raised."""
        self.deploy_to_test_cluster()
        return self._steps.run("test", self._test)

    def release(self) -> str:
        """Step 5: tag the tested bytes ``VERSION``; return the release's reference."""
        proof = self.test()
        return self._steps.run("release", lambda: self._release(proof))

    def upgrade_live_instance(self) -> None:
        """Step 6: bring the chart to the branch that the live cluster tracks, and wait for it."""
        self.release()
        self._steps.run("upgrade", self._upgrade)

    def deliver(self) -> str:
        """Take every step; return why it ended before the release, empty if it did not."""
        try:
            self.test()
        except AssertionError as failure:
            return str(failure) or repr(failure)
        self.upgrade_live_instance()
        return ""

    def _push(self, registry: Registry) -> Candidate:
        return images.push_for_testing(registry, self._built.result())

    def _update_chart(self) -> str:
        app = self._live.app
        commit = self._commit(self.tag_under_test)
        changes = app.committed.changes_to(app.package.with_commit(commit))
        return app.branch.push(changes, commit.message, self.testing_branch)

    def _deploy(self) -> Installation:
        installation = self._testing()
        self._push(installation.registry)
        installation.app.bring(self._commit(self.tag_under_test))
        installation.app.wait_upgraded(self.version)
        installation.app.wait_served()
        return installation

    def _test(self) -> TestsPassed:
        app = self._testing().app
        candidate = images.candidate_of(self._built.result())

        def on_the_app(test: AppTest) -> ImageTest:
            return lambda _: test(app)

        tests = {name: on_the_app(test) for name, test in self._tests.items()}
        return images.run_tests(candidate, tests)

    def _release(self, proof: TestsPassed) -> str:
        return images.promote(self._live.registry, images.candidate_of(self._built.result()), proof)

    def _upgrade(self) -> None:
        self._live.app.push(self._commit(self.version))
        self._live.app.wait_upgraded(self.version)

    def _commit(self, tag: str) -> Commit:
        """Return the new version of the chart; its appVersion is the tag of the image it brings."""
        return Commit(f"Version {self.version} of the chart, with image {tag}", self.version, tag)
