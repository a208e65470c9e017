"""How long a thread waited for components to be built, whoever built them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
from small_runs import RunChecks, report, runner

from conformance.common.settings import Settings
from conformance.components import prepare, waiting
from conformance.components.builder import Components
from conformance.components.parts import Part
from conformance.components.waiting import (
    in_thread,
    seconds_waited,
    submit,
    waiting_for_build,
)
from conformance.components.work import Work
from conformance.platform.reference.context import Context
from conformance.platform.steps import Steps

SECONDS = 10.0
"""For what comes at once, unless the test fails."""


class Clock:
    """A clock that goes on when the test says so, and knows who looked at it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._asked: dict[str, threading.Event] = {}

    def monotonic(self) -> float:
        self.asked(threading.current_thread().name).set()
        return self.now

    def asked(self, thread: str) -> threading.Event:
        """What is set when this thread has looked at the clock."""
        return self._asked.setdefault(thread, threading.Event())

    def build(self, seconds: float) -> None:
        """Wait for a part for so long."""
        with waiting_for_build():
            self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    clock = Clock()
    monkeypatch.setattr(waiting, "time", clock)
    return clock


@pytest.fixture
def waited_before(clock: Clock) -> float:  # noqa: ARG001 - from its beginning on
    return seconds_waited()


def test_a_build_within_a_build_is_waited_for_once(clock: Clock, waited_before: float) -> None:
    with waiting_for_build():
        clock.now += 5
        clock.build(2)
    assert seconds_waited() - waited_before == 7


def test_who_waits_for_a_step_waits_for_what_it_builds_and_no_longer(
    clock: Clock, waited_before: float
) -> None:
    steps = Steps()

    def image() -> None:
        assert clock.asked("install").wait(SECONDS)
        clock.build(30)

    def install() -> None:
        assert clock.asked("MainThread").wait(SECONDS)
        clock.now += 60
        steps.run("image", image)
        clock.now += 60

    steps.run("install", install)
    assert seconds_waited() - waited_before == 30


def test_a_step_that_fails_has_been_waited_for_too(clock: Clock, waited_before: float) -> None:
    def fails() -> None:
        assert clock.asked("MainThread").wait(SECONDS)
        clock.build(30)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        Steps().run("step", fails)
    assert seconds_waited() - waited_before == 30


def test_what_is_built_while_a_check_goes_on_is_not_waited_for(
    clock: Clock, waited_before: float
) -> None:
    building, enough = threading.Event(), threading.Event()

    def build() -> None:
        with waiting_for_build():
            building.set()
            assert enough.wait(SECONDS)
            clock.now += 20

    ahead = in_thread("ahead", build)
    assert building.wait(SECONDS)
    clock.now += 300  # the check does something else
    assert seconds_waited() == waited_before
    with ahead.awaited():
        enough.set()
        ahead.exception(SECONDS)
    assert seconds_waited() - waited_before == 20
    clock.now += 300
    ahead.result(SECONDS)
    assert seconds_waited() - waited_before == 20


def test_who_waits_in_a_queue_waits_for_what_those_before_build(
    clock: Clock, waited_before: float
) -> None:
    enough = threading.Event()
    with ThreadPoolExecutor(1) as executor:
        submit(executor, lambda: enough.wait(SECONDS) and clock.build(30))
        second = submit(executor, lambda: "image")
        with second.awaited():
            enough.set()
            second.exception(SECONDS)
    assert seconds_waited() - waited_before == 30


def test_what_is_dropped_from_a_queue_is_waited_for_by_nobody() -> None:
    enough = threading.Event()
    executor = ThreadPoolExecutor(1)
    submit(executor, lambda: enough.wait(SECONDS))
    dropped = submit(executor, lambda: None)
    executor.shutdown(wait=False, cancel_futures=True)
    enough.set()
    with pytest.raises(CancelledError):
        dropped.result(SECONDS)


def test_parts_are_waited_for_until_they_are_there(
    clock: Clock, waited_before: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def install(*_: object, **__: object) -> None:
        clock.now += 7

    def make(wanted: Part, work: Work) -> None:
        clock.now += 50
        (work.target / wanted.name).write_text("x")

    monkeypatch.setattr(prepare, "ensure_packages", install)
    components = Components(Settings(cache_dir=tmp_path), maker=make)
    components.require("coredns")
    assert seconds_waited() - waited_before == 57
    components.path("coredns")
    assert seconds_waited() - waited_before == 57


class Parts:
    """Images that come when the test lets them, and are there from then on."""

    def __init__(self, clock: Clock) -> None:
        self.enough = threading.Event()
        self._clock = clock
        self._present: set[str] = set()

    def is_present(self, name: str) -> bool:
        return name in self._present

    def require(self, name: str) -> None:
        with waiting_for_build():
            assert self.enough.wait(2 * SECONDS)
            self._present.add(name)

    def image_layout(self, name: str) -> Path:
        assert self.is_present(name)
        return Path(name)

    def image_reference(self, name: str) -> str:
        return name


def test_an_image_that_waits_for_its_turn_waits_for_what_the_others_build(
    clock: Clock, waited_before: float, tmp_path: Path
) -> None:
    parts = Parts(clock)
    cluster = SimpleNamespace(image_registry=lambda: None, push_image=lambda *_: None)
    context = Context(
        Settings(cache_dir=tmp_path), cluster, None, parts, tmp_path, print
    )  # fmt: skip
    for name in ("a", "b", "c"):
        context.image(f"image-{name}")
        assert clock.asked(f"image {name}").wait(SECONDS)
    last = context.image("image-c")
    with last.awaited():
        clock.now += 40
        parts.enough.set()
        last.exception(SECONDS)
    assert seconds_waited() - waited_before == 40


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> RunChecks:
    return runner(pytester, monkeypatch)


def test_the_time_of_a_check_is_without_its_waiting_for_builds(
    run: RunChecks,
    pytester: pytest.Pytester,
    clock: Clock,  # noqa: ARG001 - the check's fixture moves it
) -> None:
    pytester.makeconftest(
        """
import pytest
from conformance.components import waiting

@pytest.fixture
def image():
    with waiting.waiting_for_build():
        waiting.time.now += 500

@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_makereport():
    report = yield
    report.duration = {"setup": 510, "call": 3, "teardown": 1}[report.when]
    return report
"""
    )
    result = run("@check('auto_update.x', promise='X.')\ndef test_x(image): pass")
    result.stdout.fnmatch_lines(["Building components: 500 s, not in any check's time"])
    made = report(pytester)
    assert made["buildingSeconds"] == 500
    (check,) = made["capabilities"][0]["checks"]
    assert check["phases"] == {"setup": 10, "call": 3, "teardown": 1}
    assert check["seconds"] == 14
    page = (pytester.path / "reports/latest/report.html").read_text()
    assert "Building components</dt><dd>8 min 20 s" in page
