"""The process with one of a run's clusters: runs the checks that it is given, one after another.

It is a fork of the run's first process, made when all checks were collected and chosen, and nothing
had begun. It has a cluster, clients and a redactor of its own; its evidence it writes where one
process would. What its checks come to it sends to the first process, which alone writes to the
terminal and writes the report (``divided_run``).
"""

from __future__ import annotations

import queue
import signal
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Any

import pytest

from conformance.common.parent_death import end_with
from conformance.common.redaction import Known
from conformance.platform.site import LONGEST_NAME
from conformance.report.model import RunReport
from conformance.report.recorder import Recorder
from conformance.report.results import CheckResult
from conformance.suite.check import check_of
from conformance.suite.interruption import interrupt
from conformance.suite.run import RUN, Run
from conformance.suite.terminal import RelayedTerminal
from conformance.suite.under_test import UnderTest
from conformance.suite.verdicts import Verdicts

_KEEPS_REPORTS = ("session", "logging-plugin")
"""Plugins that are told of each phase of a check here, too; all others are in the first process."""
_LOOK_SECONDS = 1.0
"""Seconds between two looks at what is being installed."""


@dataclass(frozen=True)
class Said:
    """A line for the terminal."""

    text: str


@dataclass(frozen=True)
class Warned:
    """A warning, in the words of ``pytest_warning_recorded``."""

    text: str
    category: str
    file: str
    line: int
    when: str
    node_id: str
    location: tuple[str, int, str] | None


@dataclass(frozen=True)
class Installing:
    """What is being installed, for a terminal's last line; sent when it is another step."""

    step: tuple[str, float] | None
    """Its name, and its seconds by now; None: nothing is any more."""


@dataclass(frozen=True)
class Ended:
    """A check, or another test, has ended, its clean-up, too."""

    node_id: str
    reports: list[dict[str, Any]]
    """Of its phases, as ``pytest_report_to_serializable`` has them."""
    result: CheckResult | None
    """None: it is no check."""
    report: RunReport
    """What there is to say by now of the cluster; without checks."""
    known: Known
    """What the process has learnt since it said so last: it may be killed before its end."""


@dataclass(frozen=True)
class Left:
    """All is taken down: the last message."""

    results: list[CheckResult]
    """Of all checks that began, redacted by all that is known now."""
    report: RunReport
    known: Known
    """What the process has learnt since its last check."""


Message = Said | Warned | Installing | Ended | Left
Order = tuple[int, int | None] | None
"""Which test of the session is to run, and which comes after it in its group; None: no more."""


def name_of(run: Run, number: int) -> str:
    """Return the name of one of a run's clusters; if need be, the run's part of it is cut."""
    end = f"-{number}"
    return run.settings.cluster_name[: LONGEST_NAME - len(end)].rstrip("-") + end


def run_checks(session: pytest.Session, number: int, connection: Connection, parent: int) -> None:
    """Do what ``connection`` orders until it orders no more: the body of the process.

    ``parent`` is the id of the first process.
    """
    _end_with(parent)
    _capture_alone(session.config)
    with _sending(connection) as send:
        _Worker(session, number, send).work(connection)


class _Recorder(Recorder):
    """The first process's recorder, in this one; it writes evidence, and no report."""

    def __init__(self, first: Recorder) -> None:
        self.__dict__.update(vars(first))
        self.report = first.report.model_copy(update={"errors": [], "capabilities": []})

    def write(self, *, page: bool = True) -> None:  # noqa: ARG002
        """Bring the results up to date."""
        with self._lock:
            self._summarise()


class _Worker:
    """A plugin of the session in this process; it has the hooks that say what is to be sent."""

    def __init__(
        self, session: pytest.Session, number: int, send: Callable[[Message], None]
    ) -> None:
        self._session = session
        self._send = send
        first = session.config.stash[RUN]
        self._run = replace(
            first,
            settings=replace(first.settings, cluster_name=name_of(first, number)),
            recorder=_Recorder(first.recorder),
            terminal=RelayedTerminal(lambda text: send(Said(text))),
        )
        self._begun: list[CheckResult] = []
        self._known = first.redactor.known()
        self._reports: list[dict[str, Any]] = []
        self._capability = ""
        """Of the check that ran last."""
        self._listening = False
        self._under_test = UnderTest(self._run)
        self._register()
        if first.terminal.line:
            threading.Thread(target=self._look, name="installing", daemon=True).start()

    def _register(self) -> None:
        config = self._session.config
        config.stash[RUN] = self._run
        manager = config.pluginmanager
        for implementation in config.hook.pytest_runtest_logreport.get_hookimpls():
            if implementation.plugin_name not in _KEEPS_REPORTS:
                manager.unregister(implementation.plugin)
        for plugin in (self._under_test, Verdicts(self._run, self._under_test), self):
            manager.register(plugin)
        self._listening = True  # pytest has told of all earlier warnings again

    def work(self, connection: Connection) -> None:
        """Run what is ordered, take down what was set up, and say what is left to say."""
        try:
            while order := self._next(connection):
                self._run_one(*order)
        except KeyboardInterrupt:
            pass  # the first process knows, or there is none any more
        except BaseException as error:
            self._run.recorder.error("".join(traceback.format_exception(error)))
        for number in (signal.SIGINT, signal.SIGTERM):  # nothing must cut this short
            signal.signal(number, signal.SIG_IGN)
        self._take_down()
        self._run.recorder.close()
        self._send(Left(self._begun, self._report(), self._newly_known()))

    @staticmethod
    def _next(connection: Connection) -> Order:
        order: Order = connection.recv()
        return order

    def _run_one(self, index: int, following: int | None) -> None:
        items = self._session.items
        item = items[index]
        if self._session.config.getoption("twins"):
            self._begin_anew_for(item)
        result = self._run.recorder.find(item.nodeid)
        if result is not None:
            result.cluster = self._run.settings.cluster_name
            self._begun.append(result)
        self._reports = []
        # After the last one of a group everything but the session's own is torn down.
        after = self._session if following is None else items[following]
        self._session.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
        copy = result.model_copy(deep=True) if result else None
        self._send(Ended(item.nodeid, self._reports, copy, self._report(), self._newly_known()))

    def _begin_anew_for(self, item: pytest.Item) -> None:
        """Take the platform down before the twins of another capability, which get another one.

        What a defect leaves behind would make them fail for a reason that is not theirs.
        """
        check = check_of(item)
        before, self._capability = self._capability, check.capability if check else ""
        if before not in ("", self._capability):
            self._take_down()

    def _take_down(self) -> None:
        """Tear down all that was set up; what goes wrong is an error of the run."""
        try:
            self._session._setupstate.teardown_exact(None)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # as pytest's own outcomes are
            self._run.recorder.error(f"clean-up failed: {error}")

    def _look(self) -> None:
        """Say what is being installed, whenever it is another step."""
        said = ""
        while True:
            step = self._under_test.installing()
            if (name := step[0] if step else "") != said:
                said = name
                self._send(Installing(step))
            time.sleep(_LOOK_SECONDS)

    def _newly_known(self) -> Known:
        before, self._known = self._known, self._run.redactor.known()
        return self._known.since(before)

    def _report(self) -> RunReport:
        return self._run.recorder.report.model_copy(update={"capabilities": []}, deep=True)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what pytest says of a phase, until the check has ended."""
        hook = self._session.config.hook
        data = hook.pytest_report_to_serializable(config=self._session.config, report=report)
        self._reports.append(data)

    def pytest_warning_recorded(
        self,
        warning_message: warnings.WarningMessage,
        when: str,
        nodeid: str,
        location: tuple[str, int, str] | None,
    ) -> None:
        """Send a warning on."""
        if self._listening:
            one = warning_message
            text, category = str(one.message), one.category.__name__
            self._send(Warned(text, category, one.filename, one.lineno, when, nodeid, location))


@contextmanager
def _sending(connection: Connection) -> Iterator[Callable[[Message], None]]:
    """Yield what sends a message, by a thread: an interruption must not cut one in two."""
    waiting: queue.SimpleQueue[Message | None] = queue.SimpleQueue()

    def send() -> None:
        try:
            for message in iter(waiting.get, None):
                connection.send(message)
        except OSError:
            pass  # the first process was killed

    sender = threading.Thread(target=send, name="sender", daemon=True)
    sender.start()
    try:
        yield waiting.put
    finally:
        waiting.put(None)
        sender.join()


def _end_with(parent: int) -> None:
    """Have this process end, and take its cluster down, also when the first one is killed."""
    signal.signal(signal.SIGTERM, interrupt)
    end_with(parent)


def _capture_alone(config: pytest.Config) -> None:
    """Capture output into a file of this process's own: a fork shares that of the first one."""
    capture = config.pluginmanager.getplugin("capturemanager")
    capture.stop_global_capturing()
    capture.start_global_capturing()
    capture.suspend_global_capture()
