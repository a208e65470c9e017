"""Which checks run now: in the terminal's last line; without a terminal, each minute a line.

If several run at the same time, the line has the number of the lane or the cluster before each.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass

import pytest

from conformance.components.live_line import Entry
from conformance.components.progress import seconds
from conformance.report.wording import labelled
from conformance.suite.check import check_of
from conformance.suite.run import Run
from conformance.suite.under_test import UnderTest

_HEARTBEAT = 60.0
"""Seconds between the lines that say that a check goes on, without a terminal."""
_INTERRUPTED = (
    "interrupted: taking away what this run has made, which can take two minutes; "
    "another Ctrl-C changes nothing"
)


@dataclass
class _Running:
    label: str
    number: int
    """Of its lane or cluster; 0: the run has one only."""
    begun: float
    told: float

    @property
    def since(self) -> str:
        return f", {seconds(time.monotonic() - self.begun)}"

    def entry(self) -> Entry:
        number = f"{self.number}: " if self.number else ""
        return Entry(f"{number}{self.label}", self.since)


class Running:
    """Hooks of each check, in whichever lane it runs, and of the end of the run.

    A log is not told of each beginning; there, a check that hangs is named after a minute. Without
    ``under_test`` the checks run in other processes.
    """

    def __init__(self, run: Run, under_test: UnderTest | None = None, *, told: bool) -> None:
        self._run = run
        self._under_test = under_test
        self._checks: dict[str, _Running] = {}
        self._elsewhere: dict[int, tuple[str, float]] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._told = told

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Say that a check runs from now on."""
        if check_of(item):
            self.begun(item.nodeid, self._run.recorder.result(item.nodeid).lane or 0)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Say that a check has ended, its clean-up, too."""
        report = yield
        if report.when == "teardown":
            self.ended(item.nodeid)
        return report

    def begun(self, node_id: str, number: int = 0) -> None:
        """Say that a check runs from now on, in the lane or on the cluster of that number."""
        label, now = labelled(self._run.recorder.result(node_id)), time.monotonic()
        with self._lock:
            self._checks[node_id] = _Running(label, number, now, now)

    def ended(self, node_id: str) -> None:
        """Say that a check runs no more, if it did."""
        with self._lock:
            self._checks.pop(node_id, None)

    def installing(self, number: int, step: tuple[str, float] | None) -> None:
        """Say what another process installs on its cluster, and for how many seconds by now."""
        with self._lock:
            self._elsewhere.pop(number, None)
            if step:
                self._elsewhere[number] = step[0], time.monotonic() - step[1]

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self) -> None:
        """Say what takes its time now; the rest is pytest's to say."""
        self._end()
        self._run.terminal.say(_INTERRUPTED)

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

    def _now(self) -> list[Entry]:
        with self._lock:
            running = [(one.number, one.entry()) for one in self._checks.values()]
            for number, (name, begun) in self._elsewhere.items():
                running.append((number, _installs(name, time.monotonic() - begun, number)))
        running.sort(key=lambda one: one[0])
        return [*(entry for _, entry in running), *self._installing()]

    def _installing(self) -> Iterator[Entry]:
        if self._under_test and (step := self._under_test.installing()):
            yield _installs(*step)

    def _beat(self) -> None:
        while not self._ended.wait(1.0):
            now = time.monotonic()
            with self._lock:
                late = [one for one in self._checks.values() if now - one.told >= _HEARTBEAT]
            for one in late:
                one.told = now
                said = [f"still {one.label}{one.since}", *map(str, self._installing())]
                self._run.terminal.say("; ".join(said))


def _installs(name: str, since: float, number: int = 0) -> Entry:
    cluster = f"{number}: " if number else ""
    return Entry(f"{cluster}installing {name}", f", {seconds(since)}")
