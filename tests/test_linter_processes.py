"""Rules run in several processes: the same answers, whatever becomes of a process."""

from __future__ import annotations

import gc
import os
import signal
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from linter_results import a_rule, an_app

from conformance.linter import processes, running
from conformance.linter.app import AppPackage
from conformance.linter.findings import NotRun, Place, Problem
from conformance.linter.processes import Spread
from conformance.linter.running import RuleRuns, Said

HERE = os.getpid()
Done = list[tuple[int, int]]
"""What was done, and by which process."""


@pytest.fixture(autouse=True)
def three(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "processors", lambda: 3)


def named(items: Sequence[int]) -> Done:
    return [(one, os.getpid()) for one in items]


def parts(number: int, work: Callable[[Sequence[int]], Done] = named) -> list[Done]:
    """Return what is made of so many items, four at a time."""
    with Spread(work, 4) as spread:
        for one in range(number):
            spread.add(one)
        return spread.all_made()


@pytest.mark.parametrize("number", [0, 1, 2, 5, 6, 30, 33])
def test_every_item_is_done_once_and_in_order(number: int) -> None:
    made = parts(number)
    assert [one for part in made for one, _ in part] == list(range(number))
    assert all(len(part) == 4 for part in made[1:-1])


def test_copies_do_what_is_not_the_first_or_the_last() -> None:
    first, second, last = ({process for _, process in part} for part in parts(7))
    assert first == last == {HERE}
    assert HERE not in second


def test_when_all_copies_are_busy_the_work_is_done_here() -> None:
    reads, writes = os.pipe()

    def work(items: Sequence[int]) -> Done:
        if os.getpid() != HERE and items[0] < 9:
            os.read(reads, 1)  # until this process has done its part
        elif items[0] == 9:
            os.write(writes, b"xx")
        return named(items)

    made = parts(15, work)
    os.close(reads)
    os.close(writes)
    assert [{process for _, process in part} == {HERE} for part in made] == [
        True, False, False, True, True
    ]  # fmt: skip


def test_without_another_processor_nothing_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "processors", lambda: 1)
    assert {process for part in parts(30) for _, process in part} == {HERE}


def test_where_no_process_can_be_started_the_work_is_done_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused() -> int:
        raise BlockingIOError

    monkeypatch.setattr(os, "fork", refused)
    assert {process for part in parts(30) for _, process in part} == {HERE}


def test_what_a_killed_process_should_have_done_is_done_here() -> None:
    def work(items: Sequence[int]) -> Done:
        if os.getpid() != HERE:
            os.kill(os.getpid(), signal.SIGKILL)
        return named(items)

    assert [one for part in parts(30, work) for one in part] == [(one, HERE) for one in range(30)]


def test_whoever_starts_it_may_have_said_that_nobody_waits_for_children() -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        made = parts(30)
    finally:
        signal.signal(signal.SIGCHLD, before)
    assert [one for part in made for one, _ in part] == list(range(30))


def test_an_answer_larger_than_a_pipe_comes_whole() -> None:
    def work(items: Sequence[int]) -> list[str]:
        return ["x" * 300_000 for _ in items]

    with Spread(work, 4) as spread:
        for one in range(30):
            spread.add(one)
        assert [len(text) for part in spread.all_made() for text in part] == [300_000] * 30


def test_what_fails_everywhere_fails_here_and_leaves_no_process() -> None:
    def work(items: Sequence[int]) -> Done:
        if items[0]:
            raise ValueError(len(items))
        return []

    before = children()
    with pytest.raises(ValueError, match="4"):
        parts(30, work)
    assert children() == before


def children() -> set[int]:
    tasks = Path("/proc/self/task").iterdir()
    return {int(pid) for task in tasks for pid in (task / "children").read_text().split()}


def test_rules_say_the_same_in_several_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = Problem(Place("a.yaml", 3), "wrong", "Do this.")
    rules = [
        a_rule("a.one", said=[problem, problem]),
        a_rule("b.two", said=[NotRun("unknown")]),
        a_rule("c.three"),
    ]

    def said() -> list[Said]:
        with RuleRuns(rules, 30) as runs:
            for number in range(20):
                runs.add(an_app(f"app{number}"))
            return runs.said()

    alone = said()
    monkeypatch.setattr(running, "_PART", 4)
    assert said() == alone
    assert alone[0] == {
        "a.one": running.Answer((problem,)),
        "b.two": running.Answer(reasons=("unknown",)),
    }


def test_what_rules_may_take_is_for_all_apps_together(monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(_: AppPackage) -> Iterator[Problem]:
        end = time.process_time() + 60
        while time.process_time() < end:
            pass
        yield Problem(Place(), "never")

    monkeypatch.setattr(processes, "processors", lambda: 1)
    monkeypatch.setattr(running, "_PART", 2)
    with RuleRuns([replace(a_rule(), check=endless)], 0.2) as runs:
        for number in range(4):
            runs.add(an_app(f"app{number}"))
        reasons = [answer.reasons for said in runs.said() for answer in said.values()]
    assert reasons == [
        ("the time for all rules, 0.2 s, ran out while this rule ran",),
        *[("the rules before it used up the time of 0.2 s",)] * 3,
    ]


def test_an_app_that_has_been_judged_is_not_held_on_to() -> None:
    with RuleRuns([a_rule()], 30) as runs:
        runs.add(app := an_app())
        held = weakref.ref(app)
        del app
        gc.collect()
        assert held() is None
        assert len(runs.said()) == 1
