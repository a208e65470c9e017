"""Which checks run now: in the terminal's last line; without a terminal, each minute a line."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass

import pytest

from conformance.components.progress import seconds
from conformance.report.wording import labelled
from conformance.suite.check import check_of
from conformance.suite.run import Run
from conformance.suite.under_test import UnderTest

_HEARTBEAT = 60.0
"""Seconds between the lines that say that a check goes on, without a terminal."""


@dataclass
class _Running:
    label: str
    begun: float
    told: float

    def going_on(self) -> str:
        return f"{self.label}, {seconds(time.monotonic() - self.begun)}"


class Running:
    """Hooks of each check, in whichever lane it runs, and of the end of the run.

    A log is not told of each beginning; there, a check that hangs is named after a minute. Without
    ``under_test`` the checks run in other processes.
    """

    def __init__(self, run: Run, under_test: UnderTest | None = None, *, told: bool) -> None:
        self._run = run
        self._under_test = under_test
        self._checks: dict[str, _Running] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._told = told

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Say that a check runs from now on."""
        if check_of(item):
            self.begun(item.nodeid)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Say that a check has ended, its clean-up, too."""
        report = yield
        if report.when == "teardown":
            self.ended(item.nodeid)
        return report

    def begun(self, node_id: str) -> None:
        """Say that a check runs from now on, here or in another process."""
        label, now = labelled(self._run.recorder.result(node_id)), time.monotonic()
        with self._lock:
            self._checks[node_id] = _Running(label, now, now)

    def ended(self, node_id: str) -> None:
        """Say that a check runs no more, if it did."""
        with self._lock:
            self._checks.pop(node_id, None)

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self) -> None:
        """Leave the terminal to what pytest has to say of the interruption."""
        self._end()

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self) -> None:
        """Leave the terminal to what pytest has to say of its error."""
        self._end()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """Begin when pytest has said what it collected; say nothing more once all have ended."""
        if self._run.terminal.line:
            self._run.terminal.line.show(self._now)
        elif self._told:
            threading.Thread(target=self._beat, name="running", daemon=True).start()
        try:
            return (yield)
        finally:
            self._end()

    def _end(self) -> None:
        self._ended.set()
        if self._run.terminal.line:
            self._run.terminal.line.drop(self._now)

    def _now(self) -> str:
        with self._lock:
            running = list(self._checks.values())
        return "; ".join([*(one.going_on() for one in running), *self._installing()])

    def _installing(self) -> Iterator[str]:
        stack = self._under_test.stack if self._under_test else None
        steps = stack.going_on() if stack else {}
        if steps:
            name = max(steps, key=lambda one: steps[one])
            yield f"installing {name}, {seconds(steps[name])}"

    def _beat(self) -> None:
        while not self._ended.wait(1.0):
            now = time.monotonic()
            with self._lock:
                late = [one for one in self._checks.values() if now - one.told >= _HEARTBEAT]
            for one in late:
                one.told = now
                self._run.terminal.say("; ".join([f"still {one.going_on()}", *self._installing()]))
