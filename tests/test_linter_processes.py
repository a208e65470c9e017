"""Rules run in several processes: the same answers, whatever becomes of a process."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest
from linter_results import a_rule, an_app

from conformance.linter import processes, running
from conformance.linter.findings import NotRun, Place, Problem
from conformance.linter.processes import spread

HERE = os.getpid()


@pytest.fixture(autouse=True)
def three(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_processors", lambda: 3)


def named(items: Sequence[int]) -> list[tuple[int, int]]:
    return [(one, os.getpid()) for one in items]


@pytest.mark.parametrize("number", [1, 7, 8, 9, 30, 31, 32])
def test_every_item_is_done_once_and_in_order(number: int) -> None:
    made = spread(range(number), named, 4)
    assert [one for one, _ in made] == list(range(number))
    assert len({process for _, process in made}) == max(1, min(3, number // 4))


def test_few_items_start_nothing() -> None:
    assert {process for _, process in spread(range(7), named, 4)} == {os.getpid()}


def test_what_a_killed_process_should_have_done_is_done_here() -> None:
    def work(items: Sequence[int]) -> list[tuple[int, int]]:
        if os.getpid() != HERE:
            os.kill(os.getpid(), signal.SIGKILL)
        return named(items)

    assert spread(range(30), work, 4) == [(one, HERE) for one in range(30)]


def test_what_fails_everywhere_fails_here_and_leaves_no_process() -> None:
    def work(items: Sequence[int]) -> list[int]:
        raise ValueError(len(items))

    before = children()
    with pytest.raises(ValueError, match="10"):
        spread(range(30), work, 4)
    assert children() == before


def children() -> set[int]:
    tasks = Path("/proc/self/task").iterdir()
    return {int(pid) for task in tasks for pid in (task / "children").read_text().split()}


def test_rules_say_the_same_in_several_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = Problem(Place("a.yaml", 3), "wrong", "Do this.")
    rules = [a_rule("a.one", said=[problem, problem]), a_rule("b.two", said=[NotRun("unknown")])]
    apps = [an_app(f"app{number}") for number in range(20)]
    alone = running.run_rules(apps, rules, 30)
    monkeypatch.setattr(running, "_PART", 4)
    assert running.run_rules(apps, rules, 30) == alone
    assert alone[0] == [
        running.Answer((problem,)),
        running.Answer(reasons=("unknown",)),
    ]
