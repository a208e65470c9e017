"""The course of a run: its steps, and what waited for which of them."""

from __future__ import annotations

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from report_samples import a_report
from small_runs import NodelessCluster, RunChecks, report, runner

from conformance.common import course
from conformance.common.course import Step
from conformance.common.redaction import Redactor
from conformance.components import plan
from conformance.components.catalogue import part
from conformance.components.waiting import submit
from conformance.components.ways import MADE
from conformance.platform.steps import Steps
from conformance.report import recorder as recorders
from conformance.report.recorder import Recorder
from conformance.suite.under_test import UnderTest

SECONDS = 10.0
"""For what comes at once, unless the test fails."""
CLUSTER = course.start_of("stackspin")


@pytest.fixture(autouse=True)
def since() -> float:
    """When the test began; what its thread waited for before is forgotten."""
    course.take_awaited()
    return time.monotonic()


def test_a_step_says_when_it_went_on_and_how_it_ended(since: float) -> None:
    with pytest.raises(ValueError, match="no"), course.taking(CLUSTER):
        raise ValueError("no")
    with course.taking(CLUSTER):
        [failed, going_on] = course.since(since)
        assert (failed.outcome, going_on.outcome) == ("failed", "unfinished")
    assert [one.outcome for one in course.since(since)] == ["failed", "done"]
    assert since <= failed.began <= failed.ended <= going_on.began <= going_on.ended
    assert course.since(time.monotonic()) == []


def test_who_waits_for_a_step_says_so_and_the_step_what_it_waited_for_itself(since: float) -> None:
    steps = Steps("platform", "stackspin")

    def level() -> None:
        steps.run("image a", lambda: time.sleep(5 * course.SHORTEST), "image")

    steps.run("level", level)
    [waited] = course.take_awaited()
    assert waited.step == Step("platform", "level", "stackspin")
    assert waited.ended - waited.began >= 2 * course.SHORTEST
    assert course.take_awaited() == []
    went = {one.step.name: one for one in course.since(since)}
    assert went["level"].step == waited.step
    assert [one.step for one in went["level"].awaited] == [Step("image", "image a", "stackspin")]
    assert went["image a"].awaited == ()


@pytest.mark.parametrize(("seconds", "waits"), [(0.9, 0), (1.1, 1)])
def test_who_waits_briefly_does_not_say_so(
    monkeypatch: pytest.MonkeyPatch, seconds: float, waits: int
) -> None:
    clock = SimpleNamespace(now=0.0, monotonic=lambda: clock.now)
    monkeypatch.setattr(course, "time", clock)
    with course.waiting_for(CLUSTER):
        clock.now = seconds * course.SHORTEST
    assert len(course.take_awaited()) == waits


def test_what_is_done_in_the_same_thread_is_waited_for_by_who_asked(since: float) -> None:
    inner = Step("app image", "build notes:1.0.0")
    with course.taking(CLUSTER), course.taking(inner):
        time.sleep(2 * course.SHORTEST)
    assert [one.step for one in course.take_awaited()] == [CLUSTER]
    went = {one.step: one.awaited for one in course.since(since)}
    assert [one.step for one in went[CLUSTER]] == [inner]


def test_who_queues_waits_and_steps_of_no_kind_are_nobodys_business(since: float) -> None:
    second, enough = Step("app image", "second"), threading.Event()
    with ThreadPoolExecutor(1) as executor:
        submit(executor, lambda: enough.wait(SECONDS))
        future = submit(executor, lambda: None, second)
        threading.Timer(5 * course.SHORTEST, enough.set).start()
        future.result(SECONDS)
    Steps().run("own", lambda: time.sleep(2 * course.SHORTEST))
    assert [one.step for one in course.take_awaited()] == [second]
    assert course.since(since) == []


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> RunChecks:
    return runner(pytester, monkeypatch)


def test_a_report_says_what_each_check_waited_for(
    run: RunChecks, pytester: pytest.Pytester
) -> None:
    run(
        "import time\n"
        "from conformance.platform.steps import Steps\n"
        "@pytest.fixture(scope='session')\n"
        "def level():\n"
        "    Steps('platform', 'c').run('level', lambda: time.sleep(0.3))\n"
        "@check('auto_update.x', promise='X.')\ndef test_x(level): pass\n"
        "@check('auto_update.y', promise='Y.')\ndef test_y(level): pass\n"
    )
    first, other = report(pytester)["capabilities"][0]["checks"]
    [waited] = first["waitedFor"]
    assert (waited["step"], waited["cluster"]) == ("level", "c")
    assert waited["began"] >= first["began"] - 0.1
    assert 0.1 <= waited["seconds"] <= first["phases"]["setup"] + 0.01  # rounded
    assert other["waitedFor"] == []


def test_a_report_has_the_steps_of_its_run_in_seconds_since_it_began(tmp_path: Path) -> None:
    with course.taking(Step("app", "app of an earlier run")):
        pass
    recorder = Recorder(tmp_path, a_report({}), Redactor())
    with course.taking(CLUSTER), course.taking(Step("part", "etcd")):
        time.sleep(2 * course.SHORTEST)
    [started] = recorder.installation()
    assert (started.step, started.kind, started.cluster) == (
        "cluster start",
        "cluster",
        "stackspin",
    )
    assert (started.outcome, started.seconds >= 2 * course.SHORTEST) == ("done", True)
    assert 0 <= started.began < SECONDS
    [waited] = started.waited_for
    assert waited.step == "etcd"
    assert started.began <= waited.began < SECONDS
    assert waited.seconds == pytest.approx(2 * course.SHORTEST, abs=1)


def test_parts_steps_and_waits_begin_at_seconds_from_the_same_moment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clock = SimpleNamespace(now=1000.0, monotonic=lambda: clock.now)
    for module in (course, plan, recorders):
        monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(course, "_ended", [])
    recorder = Recorder(tmp_path, a_report({}), Redactor())
    clock.now = 1007.0  # a cluster is chosen before anybody asks for parts
    ways: Any = SimpleNamespace(foreseen=lambda _: SimpleNamespace(how=MADE))
    obtaining = plan.Plan(ways, lambda _: False)
    clock.now = 1012.25
    with course.taking(CLUSTER), course.waiting_for(Step("part", "etcd")):
        clock.now = 1020.25
        obtaining.end(part("etcd"), 8.0)
    run: Any = SimpleNamespace(recorder=recorder, redactor=recorder.redactor)
    under_test: Any = UnderTest(run)
    under_test.chosen_cluster = NodelessCluster()
    obtained = [asdict(one) for one in obtaining.obtained()]
    under_test.components = SimpleNamespace(describe=list, obtained=lambda: obtained)
    under_test.describe()
    [etcd], [step] = recorder.report.obtained, recorder.report.installation
    assert [one.began for one in (etcd, step, *step.waited_for)] == [12.25] * 3


def test_what_goes_on_is_said_from_time_to_time() -> None:
    said: list[str] = []
    both = threading.Event()

    def say(text: str) -> None:
        said.append(text)
        if "notes" in text:
            both.set()

    with (
        course.telling(say, 0.01),
        course.taking(Step("platform", "single sign-on")),
        course.taking(Step("app", "notes")),
    ):
        assert both.wait(10)
    assert re.fullmatch(r"still single sign-on, notes, \d+ s", said[-1])
