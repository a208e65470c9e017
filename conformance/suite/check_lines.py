"""A line for each check as it ends: its verdict, its name and its time; of a failure, the reason.

In the place of pytest's own reporter, of which all else stays: tests that are no checks have its
letters and lines, and a run ends with its summary. Somebody else's reporter is left where it is.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from _pytest.terminal import TerminalReporter

from conformance.report.results import CheckResult
from conformance.report.verdict import Verdict
from conformance.report.wording import counted, is_reported_elsewhere, labelled, plain, seconds
from conformance.suite.check import check_of
from conformance.suite.run import Run

_SHOWN = 8
"""Lines of a reason: the assertion and what it compares. All of it is in ``failure.txt``."""
_COLOUR = {Verdict.PASS: {"green": True}, Verdict.FAIL: {"red": True}}
_NAME = "terminalreporter"


def show_checks(config: pytest.Config, run: Run) -> None:
    """Have the checks of this run shown so, unless somebody else's reporter shows them."""
    before = config.pluginmanager.get_plugin(_NAME)
    if type(before) is TerminalReporter:
        config.pluginmanager.unregister(before)
        config.pluginmanager.register(CheckReporter(before, run), _NAME)


def may_be_live(config: pytest.Config, items: list[pytest.Item]) -> bool:
    """Whether the last line of the terminal may say what goes on: nothing else is written then.

    Not where output is shown as it comes (``-s``, ``--log-cli-level``), nor where somebody types.
    """
    reporter = config.pluginmanager.get_plugin(_NAME)
    if type(reporter) is not TerminalReporter or not reporter.isatty:
        return False
    typing = any(config.getoption(name, default=None) for name in ("usepdb", "trace", "setupshow"))
    shows_logs = config.pluginmanager.hasplugin("logging") and (
        config.getoption("log_cli_level") or config.getini("log_cli")
    )
    captured = config.getoption("capture") != "no"
    return captured and not typing and not shows_logs and all(map(check_of, items))


class CheckReporter(TerminalReporter):  # type: ignore[misc]  # as pytest-sugar's: pytest is pinned
    """pytest's reporter, but for what it says of each check."""

    def __init__(self, before: TerminalReporter, run: Run) -> None:
        self.__dict__ = before.__dict__  # whoever still writes by that one, and all that it counted
        self._run = run
        self._told: set[str] = set()

    def pytest_runtest_logstart(self, nodeid: str, location: tuple[str, int | None, str]) -> None:
        """Say nothing of a check yet."""
        if self._result(nodeid) is None:
            super().pytest_runtest_logstart(nodeid, location)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a phase of a check; say it if it failed."""
        result = self._result(report.nodeid)
        if result is None:
            super().pytest_runtest_logreport(report)
            return
        self._tests_ran = True
        self._current_logreport = report
        status = self.config.hook.pytest_report_teststatus(report=report, config=self.config)
        self._add_stats(status[0], [report])
        if status[0]:
            self._progress_nodeids_reported.add(report.id)
        if report.failed and report.when != "teardown":
            self._tell(result, result.phases.setup + result.phases.call)
        elif report.failed:
            self.pytest_runtest_logfinish(report.nodeid)
            self._tell_of_clean_up(result, report)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Say what a check came to."""
        result = self._result(nodeid)
        if result and nodeid not in self._told and self.verbosity >= 0:
            self._tell(result, result.seconds)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """End the last line of letters, if pytest has written one."""
        result = yield
        if self.currentfspath and self._show_progress_info and not self.showlongtestinfo:
            self._write_progress_information_filling_space()
        return result

    def _result(self, node_id: str) -> CheckResult | None:
        return self._run.recorder.find(node_id)

    def _tell(self, result: CheckResult, took: float) -> None:
        self._told.add(result.node_id)
        word = result.verdict.value.upper()
        with self._run.terminal.hidden():
            self.ensure_newline()
            self._tw.write(word, **_COLOUR.get(result.verdict, {"yellow": True}))
            self._tw.write(f" {labelled(result)} {seconds(took)}")
            if self._show_progress_info:
                self._write_progress_information_filling_space()
            self._tw.line()
            for line in self._more(result):
                self._tw.line(f"  {line}")
            self.flush()

    def _tell_of_clean_up(self, result: CheckResult, report: pytest.TestReport) -> None:
        with self._run.terminal.hidden():
            self.write_line(f"ERROR clean-up of {labelled(result)} failed", red=True)
            for line in plain(report.longreprtext).splitlines()[-_SHOWN:]:
                self._tw.line(f"  {line}")
            self.flush()

    def _more(self, result: CheckResult) -> Iterator[str]:
        if self.showlongtestinfo:
            phases = result.phases
            yield result.promise
            yield result.node_id
            yield f"set-up {seconds(phases.setup)}, call {seconds(phases.call)}"
        if result.verdict is Verdict.PASS and not result.twin:
            return
        if is_reported_elsewhere(result.reason):
            # What forty checks wait for in vain is told once.
            yield "as reported above"
            return
        lines = [line for line in plain(result.reason).splitlines() if line.strip()]
        yield from lines[:_SHOWN]
        if len(lines) > _SHOWN:
            yield f"... {counted(len(lines) - _SHOWN, 'more line')}"
        if result.verdict is Verdict.FAIL and (evidence := self._evidence(result)):
            yield f"evidence: {evidence}"

    def _evidence(self, result: CheckResult) -> str:
        """Return the file to read first, as a path from here, and how many others there are."""
        recorder = self._run.recorder
        files = recorder.evidence(result)
        if not files:
            return ""
        path = os.path.relpath(recorder.folder / files[0].path, Path.cwd())
        others = len(files) - 1
        return f"{path}, and {counted(others, 'more file')}" if others else path
