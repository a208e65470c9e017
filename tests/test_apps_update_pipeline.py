"""The order of the update pipeline's steps, and that a failing test ends it."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from conformance.apps.flux_package import Commit, FluxPackage
from conformance.apps.image_builds import ImageBuilds
from conformance.apps.tracked import TrackedApp
from conformance.apps.update_pipeline import AppTest, Installation, UpdatePipeline
from conformance.oci.registry import Registry

FILES = {
    "charts/notes/Chart.yaml": "version: 1.0.0\nappVersion: 1.0.0\n",
}


class Recorded:
    """Registry, branch and app of one site; writes down what is asked of it."""

    def __init__(self, name: str, events: list[str]) -> None:
        self.site_name = name
        self.events = events
        self.name = "notes"
        self.app = SimpleNamespace(name="notes")
        self.package = self.committed = FluxPackage("notes", FILES)
        self.branch = SimpleNamespace(push=self.push_branch)

    def note(self, what: str) -> None:
        self.events.append(f"{self.site_name}: {what}")

    def push_layout(self, layout: Path, reference: str) -> str:
        del layout
        self.note(f"push {reference}")
        return "sha256:1"

    def tag(self, reference: str, tag: str) -> str:
        self.note(f"tag {reference} {tag}")
        return "sha256:1"

    def push_branch(self, changes: dict[str, str], message: str, branch: str) -> str:
        del message
        self.note(f"branch {branch}: {', '.join(changes)}")
        return "commit"

    def bring(self, commit: Commit) -> None:
        self.note(f"bring {commit.chart_version} with {commit.app_version}")

    def push(self, commit: Commit) -> None:
        self.note(f"main {commit.chart_version} with {commit.app_version}")

    def wait_upgraded(self, version: str) -> None:
        self.note(f"upgraded to {version}")

    def wait_served(self) -> None:
        self.note("served")

    def installation(self) -> Installation:
        return Installation(cast(TrackedApp, self), cast(Registry, self))


class Builds:
    def begin(self, source: Path, version: str, repository: str) -> Future[Any]:
        del source
        built: Future[Any] = Future()
        built.set_result(
            SimpleNamespace(repository=repository, version=version, digest="sha256:1", layout="x")
        )
        return built


def pipeline(events: list[str], test: AppTest) -> UpdatePipeline:
    testing = Recorded("testing", events)
    return UpdatePipeline(
        cast(ImageBuilds, Builds()),
        Path("source"),
        "2.1.7",
        testing.installation,
        Recorded("live", events).installation(),
        {"works": test},
    )


IMAGE = "docker.io/stackspin/notes"
UNTIL_THE_TESTS = [
    f"live: push {IMAGE}:2.1.7-test",
    "live: branch testing-notes-2.1.7: charts/notes/Chart.yaml",
    f"testing: push {IMAGE}:2.1.7-test",
    "testing: bring 2.1.7 with 2.1.7-test",
    "testing: upgraded to 2.1.7",
    "testing: served",
]


def test_a_version_is_delivered_in_six_steps_each_taken_once() -> None:
    events: list[str] = []
    made = pipeline(events, lambda app: events.append(f"test of {app.name}"))
    made.test()
    assert made.deliver() == ""
    assert events == [
        *UNTIL_THE_TESTS,
        "test of notes",
        f"live: tag {IMAGE}@sha256:1 2.1.7",
        "live: main 2.1.7 with 2.1.7",
        "live: upgraded to 2.1.7",
    ]


def test_a_failing_test_ends_it_before_the_release() -> None:
    events: list[str] = []

    def fails(_: TrackedApp) -> None:
        raise AssertionError("nobody can log in")

    made = pipeline(events, fails)
    assert made.deliver() == "nobody can log in"
    assert made.deliver() == "nobody can log in"
    assert events == UNTIL_THE_TESTS
