"""A run divided among several clusters: ``--clusters=2``.

This is the first process's part. It has collected and chosen the checks, forks a process for each
cluster (``divided_process``) and gives each the next checks when it is free (``divided_plan``). It
has the terminal and the report to itself: a check is shown, and the report written, as if it had
run here. Threads could not do it: a twin on the wire replaces what the whole process uses.

Why not by pytest-xdist, of which this is the idea: its controller collects nothing, so it can plan
no report; Ctrl-C leaves its workers 10 seconds, less than it takes to delete a kind cluster; a
worker must be told its next check before it begins one, so that the last ones cannot go to whoever
is free; and its channel has no place for a line that somebody waits to read, nor for the secrets
that the final search must know.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import signal
import threading
import time
import warnings
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from typing import Any

import pytest

from conformance.report.combined import combine
from conformance.report.model import RunReport
from conformance.report.wording import counted
from conformance.suite import schedule
from conformance.suite.divided_plan import Division
from conformance.suite.divided_process import (
    Ended,
    Installing,
    Message,
    Order,
    Said,
    Warned,
    name_of,
    run_checks,
)
from conformance.suite.run import Run
from conformance.suite.running import Running

INTERRUPTED = 120.0
"""Seconds that the processes have after Ctrl-C to take down their clusters; then they are killed,
and what they leave goes with them or is swept by the next run."""


@dataclass(eq=False)
class _Process:
    """One cluster's process, as the first one sees it."""

    number: int
    """The cluster's."""
    name: str
    """The cluster's."""
    process: ForkProcess
    connection: Connection
    group: list[pytest.Item] = field(default_factory=list)
    """What it has still to run of the group that it was given."""
    running: pytest.Item | None = None
    report: RunReport | None = None
    """What it said last of its cluster."""
    errors: int = 0
    """How many of its errors are in the report of the run."""
    has_left: bool = False
    """Whether it has said what there was to say at its end."""
    is_gone: bool = False

    def order(self, order: Order) -> None:
        """Say what is to run next. A process that has ended is found out elsewhere."""
        with contextlib.suppress(OSError):
            self.connection.send(order)


class Processes:
    """Forks the processes around the loop of checks, and ends them: a plugin, as is ``checks``."""

    def __init__(self, run: Run, checks: DividedRun) -> None:
        self._run = run
        self._checks = checks

    # Before anything else begins with the loop: who forks must not have threads.
    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Have the processes there while checks run."""
        if _is_not_to_run(session):
            return (yield)
        session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]  # of all
        self._checks.begin(list(self._forked(session)))
        stopped: Exception | KeyboardInterrupt | None = None
        result: object = None
        try:
            try:
                result = yield
            except (session.Failed, session.Interrupted) as error:
                stopped = error
            self._checks.end()
        except BaseException:
            self._checks.end(at_once=True)
            raise
        if stopped:
            raise stopped
        return result

    def _forked(self, session: pytest.Session) -> Iterator[_Process]:
        context = multiprocessing.get_context("fork")
        ours: list[Connection] = []
        for number in range(1, self._checks.number + 1):
            here, there = context.Pipe()
            ours.append(here)
            process = context.Process(
                target=_forked_process,
                args=(session, number, there, list(ours), os.getpid()),
                daemon=True,  # whatever happens, nobody waits for ever for one that waits for us
            )
            process.start()
            there.close()
            yield _Process(number, name_of(self._run, number), process, here)


def _forked_process(
    session: pytest.Session,
    number: int,
    connection: Connection,
    of_parent: Sequence[Connection],
    parent: int,
) -> None:
    for one in of_parent:
        one.close()
    run_checks(session, number, connection, parent)


class DividedRun:
    """The loop of checks; a plugin."""

    def __init__(
        self, config: pytest.Config, run: Run, running: Running, division: Division
    ) -> None:
        self.number = min(int(run.settings.clusters), len(division.groups))
        """How many processes there are to be."""
        self._config = config
        self._run = run
        self._running = running
        self._division = division
        self._processes: Sequence[_Process] = ()
        self._messages: queue.SimpleQueue[tuple[_Process, Message | None]] = queue.SimpleQueue()
        self._index: dict[pytest.Item, int] = {}
        self._session: pytest.Session | None = None
        for group in division.groups:
            schedule.arrange(group)

    def begin(self, processes: Sequence[_Process]) -> None:
        """Listen to the processes from now on."""
        self._processes = processes
        for one in processes:
            threading.Thread(target=self._listen, args=(one,), daemon=True).start()

    def _listen(self, one: _Process) -> None:
        """Put what a process says in the queue, then None: an interruption must not cut it."""
        try:
            with contextlib.suppress(EOFError, OSError):
                while True:
                    self._messages.put((one, one.connection.recv()))
        finally:
            self._messages.put((one, None))

    def pytest_report_collectionfinish(self) -> str:
        """Say that the run is divided."""
        names = [name_of(self._run, number) for number in range(1, self.number + 1)]
        groups = f"{len(self._division.groups)} groups of checks"
        return f"divided among {counted(self.number, 'cluster')}: {', '.join(names)} ({groups})"

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Give the processes checks until there are no more."""
        if _is_not_to_run(session):
            return None
        self._session = session
        self._index = {item: number for number, item in enumerate(session.items)}
        for one in self._processes:
            self._give(one, session)
        while any(one.running for one in self._processes):
            self._hear(*self._messages.get())
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)
        return True

    def end(self, *, at_once: bool = False) -> None:
        """Wait until the processes have taken down what they have, and take what they leave.

        ``at_once`` they are interrupted before; no check is shown any more.
        """
        self._session = None
        deadline = time.monotonic() + INTERRUPTED
        for one in self._processes:
            if at_once and one.process.is_alive():
                one.process.terminate()
        left = [one for one in self._processes if not one.is_gone]
        while left:
            wait = max(0.0, deadline - time.monotonic()) if at_once else None
            try:
                one, message = self._messages.get(timeout=wait)
            except queue.Empty:
                for late in left:
                    late.process.kill()
                deadline += INTERRUPTED
                continue
            self._hear(one, message)
            left = [one for one in left if not one.is_gone]
        for one in self._processes:
            one.process.join()

    def _give(self, one: _Process, session: pytest.Session) -> None:
        """Have a process run the next check of its group, the first of another one, or none."""
        stops = session.shouldfail or session.shouldstop
        if not one.group and not stops:
            one.group = self._division.take()
        if stops or not one.group:
            one.running = None
            one.order(None)
            return
        one.running = one.group.pop(0)
        following = one.group[0] if one.group else None
        if result := self._run.recorder.find(one.running.nodeid):
            result.cluster = one.name
            self._running.begun(one.running.nodeid, one.number)
        one.order((self._index[one.running], self._index[following] if following else None))

    def _hear(self, one: _Process, message: Message | None) -> None:
        if message is None:
            self._gone(one)
        elif isinstance(message, Said):
            self._run.terminal.say(f"{one.name}: {message.text}")
        elif isinstance(message, Warned):
            self._warned(message)
        elif isinstance(message, Installing):
            self._running.installing(one.number, message.step)
        elif isinstance(message, Ended):
            self._ended(one, message)
        else:
            one.has_left = True
            for result in message.results:
                self._run.recorder.take(result)
            self._run.redactor.take_over(message.known)
            self._described(one, message.report)
            if one.running and self._session is None:  # it was interrupted
                self._running.ended(one.running.nodeid)
                one.running = None
            elif one.running:
                self._not_run(one, f"the process of cluster {one.name} had an error")

    def _ended(self, one: _Process, ended: Ended) -> None:
        """Show what a check came to, give its process the next one, and write the report."""
        recorder = self._run.recorder
        self._run.redactor.take_over(ended.known)
        self._running.ended(ended.node_id)
        if ended.result is not None:
            recorder.take(ended.result)
        item, one.running = one.running, None
        if self._session is not None and item is not None:
            self._show(item, ended.reports)
            self._give(one, self._session)
        self._described(one, ended.report)
        if ended.result is not None:
            recorder.done()

    @staticmethod
    def _show(item: pytest.Item, reports: Iterable[dict[str, Any]]) -> None:
        hook, where = item.ihook, {"nodeid": item.nodeid, "location": item.location}
        hook.pytest_runtest_logstart(**where)
        for data in reports:
            report = hook.pytest_report_from_serializable(config=item.config, data=data)
            hook.pytest_runtest_logreport(report=report)
        hook.pytest_runtest_logfinish(**where)

    def _warned(self, warned: Warned) -> None:
        category = type(warned.category, (Warning,), {})
        message = warnings.WarningMessage(warned.text, category, warned.file, warned.line)
        self._config.hook.pytest_warning_recorded.call_historic(
            kwargs={
                "warning_message": message,
                "when": warned.when,
                "nodeid": warned.node_id,
                "location": warned.location,
            }
        )

    def _described(self, one: _Process, report: RunReport) -> None:
        """Bring what the report says of the clusters up to date."""
        one.report = report
        for error in report.errors[one.errors :]:
            self._run.recorder.error(f"{one.name}: {error}")
        one.errors = len(report.errors)
        said = [each.report for each in self._processes if each.report]
        combine(self._run.recorder.report, said)

    def _gone(self, one: _Process) -> None:
        """Take note that a process has ended; of one that was killed, what it did not come to."""
        one.is_gone = True
        self._running.installing(one.number, None)
        if one.has_left:
            return
        one.process.join()
        why = f"the process of cluster {one.name} {_ending(one.process)}"
        self._run.recorder.error(why)
        self._not_run(one, why)

    def _not_run(self, one: _Process, why: str) -> None:
        """Say of all that a process was given why it comes to nothing."""
        for item in filter(None, (one.running, *one.group)):
            self._running.ended(item.nodeid)
            if result := self._run.recorder.find(item.nodeid):
                result.reason, result.error = why, True
            if self._session is not None:
                self._show(item, ())
        one.running, one.group = None, []
        self._run.recorder.write()


def _is_not_to_run(session: pytest.Session) -> bool:
    """Whether collection has failed, so that pytest says so and runs nothing."""
    return session.testsfailed > 0 and not session.config.option.continue_on_collection_errors


def _ending(process: ForkProcess) -> str:
    status = process.exitcode or 0
    if status < 0:
        return f"was killed by {signal.Signals(-status).name}"
    return f"ended before its time, with status {status}"
