"""One run of checks: from pytest's phases to verdicts, evidence and the report.

The plugin registers it only if checks were collected: other pytest runs are not affected.
"""

from __future__ import annotations

import importlib
from collections.abc import Collection, Generator, Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from conformance.clusters.base import Feature
from conformance.common.errors import HarnessError
from conformance.components.waiting import seconds_waited
from conformance.report import terminal
from conformance.report.evidence import failure_text
from conformance.report.model import CheckResult, TwinResult
from conformance.report.verdict import Verdict
from conformance.suite.check import (
    Check,
    Exempt,
    NotApplicable,
    NotClaimed,
    app_of,
    check_of,
    checks_in,
)
from conformance.suite.diagnostics import Diagnostics
from conformance.suite.run import Run
from conformance.suite.selection import LEFT_OUT
from conformance.suite.twins import Twin, judge, twin_of
from conformance.suite.under_test import WORD, UnderTest

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

TWIN_CAUGHT = pytest.StashKey[bool]()
_NOT_SELECTED = "not selected on the command line"
_LEFT_OUT = "it is extended: --all or its id runs it"


def planned(
    items: list[pytest.Item], deselected: list[pytest.Item], given: Collection[str] = ()
) -> Iterator[CheckResult]:
    """Yield a result for each selected check, and for each other check in the same folders.

    Without the latter a capability could "pass" because ``-k`` left out its failing check. With
    ``given`` apps (``--app``) only checks of app packages are concerned.
    """
    checks = {item: check for item in items if (check := check_of(item))}
    folders = {item.path.parent for item in checks}
    for item, check in checks.items():
        result = _result(check, item.nodeid, app_of(item), "the run ended before its turn")
        if twin := twin_of(item):
            result.twin = TwinResult(defect=twin.defect, expect=twin.expect, caught=False)
        yield result
    others = [item for item in deselected if item.path.parent in folders]
    left_out = {item: check for item in others if (check := check_of(item))}
    for item, check in left_out.items():
        reason = _LEFT_OUT if LEFT_OUT in item.stash else _NOT_SELECTED
        yield _result(check, item.nodeid, app_of(item), reason)
    yield from _not_collected(checks | left_out, given)


def _not_collected(
    checks: dict[pytest.Item, Check], given: Collection[str]
) -> Iterator[CheckResult]:
    """Yield a result for each check in these folders that was not even collected.

    That happens if the command line names a file or a check. The apps of the others are known;
    their other parameters would be known only after collection.
    """
    known = {(check.id, app_of(item)) for item, check in checks.items()}
    for folder, module in _modules(checks):
        for other in checks_in(module).values():
            for app, there in other.each(given):
                if (other.id, app) not in known:
                    known.add((other.id, app))
                    node_id = f"{folder}{Path(str(module.__file__)).name}::{other.id}"
                    node_id += f"[{app}]" if app else ""
                    yield _result(there, node_id, app, _NOT_SELECTED)


def _modules(items: Iterable[pytest.Item]) -> Iterator[tuple[str, ModuleType]]:
    """Yield the modules with these tests and those beside them; with each the path in node ids."""
    seen: set[Path] = set()
    for item in items:
        module: ModuleType = item.module  # type: ignore[attr-defined]
        where = item.nodeid.partition("::")[0].removesuffix(item.path.name)
        beside = sorted(item.path.parent.glob("test_*.py")) if module.__package__ else [item.path]
        for path in beside:
            if path not in seen:
                seen.add(path)
                name = f"{module.__package__}.{path.stem}"
                yield where, module if path == item.path else importlib.import_module(name)


def _result(check: Check, node_id: str, app: str | None, reason: str) -> CheckResult:
    return CheckResult(
        id=check.id,
        node_id=node_id,
        level=check.level,
        promise=check.promise,
        app=app,
        app_level=check.app_level,
        features=[*map(str, check.features)],
        verdict=Verdict.NOT_RUN,
        reason=reason,
    )


class ConformanceSession:
    """Hooks of one run of checks."""

    def __init__(self, run: Run, under_test: UnderTest) -> None:
        self._run = run
        self._under_test = under_test
        self._diagnostics = Diagnostics(under_test, run.redactor)
        self._told: dict[int, tuple[BaseException, str]] = {}
        self._waited = seconds_waited()

    def plan(
        self, items: list[pytest.Item], deselected: list[pytest.Item], given: Collection[str]
    ) -> None:
        """Record what will run and what was left out, before anything runs."""
        selected = sum(check_of(item) is not None for item in items)
        self._run.recorder.report.left_out = sum(LEFT_OUT in item.stash for item in deselected)
        self._run.recorder.plan(planned(items, deselected, given), selected=selected)
        # What the report says before anything is deployed is public, even if a Secret holds it.
        page = (self._run.recorder.folder / "report.html").read_text(encoding="utf-8")
        self._run.redactor.allow(self._run.settings.domain, *WORD.findall(page))
        if self._run.given is not None:
            self._run.redactor.allow(*WORD.findall(self._run.given.description))

    def pytest_report_collectionfinish(self) -> str:
        """Say where the report of this run is being written."""
        page = self._run.recorder.folder / "report.html"
        return f"report, rewritten after every check: {page}"

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Fail a check without a twin in a twin run; let nothing be installed when a node dies."""
        check = check_of(item)
        if check is None:
            return
        self._run.recorder.result(item.nodeid).reason = "the run ended during this check"
        if self._run.twins and twin_of(item) is None:
            pytest.fail(f"no twin of {check.id} in fixtures/twins/", pytrace=False)
        if Feature.NODE_KILL in check.needs and self._under_test.stack is not None:
            self._under_test.stack.settle()

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool | None:
        """Do not call a check if its fixtures have already caught its twin."""
        return pyfuncitem.stash.get(TWIN_CAUGHT, None)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Turn the outcome of a phase into the verdict, collecting evidence before clean-up."""
        report = yield
        if check_of(item) is None:
            return report
        if report.failed:
            self._redact(report)
        result = self._run.recorder.result(item.nodeid)
        setattr(result.phases, report.when, self._without_building(report.duration))
        twin = twin_of(item)
        if report.when == "teardown":
            self._after(item, report, result)
        elif twin and not report.skipped and _is_about_the_check(report, call):
            self._judge_twin(item, call, report, result, twin)
        elif report.failed and call.excinfo:
            self._failed(item, call.excinfo.value, report, result)
        elif report.skipped and call.excinfo:
            skipped = call.excinfo.value
            applies = not isinstance(skipped, NotApplicable)
            result.verdict = Verdict.NOT_RUN if applies else Verdict.NOT_APPLICABLE
            result.exempt = isinstance(skipped, Exempt | NotClaimed)
            result.reason = str(skipped)
        elif report.when == "call":
            result.verdict, result.reason = Verdict.PASS, ""
        return report

    def _without_building(self, duration: float) -> float:
        """Return a phase's seconds without its wait for components, which counts for the run."""
        waited = seconds_waited() - self._waited
        self._waited += waited
        report = self._run.recorder.report
        report.building_seconds = round(report.building_seconds + waited, 3)
        return round(max(0.0, duration - waited), 3)

    def _failed(
        self,
        item: pytest.Item,
        error: BaseException,
        report: pytest.TestReport,
        result: CheckResult,
    ) -> None:
        harness = isinstance(error, HarnessError) and report.when == "setup"
        result.verdict = Verdict.NOT_RUN if harness else Verdict.FAIL
        result.reason = self._run.redactor.redact(_summary(error))
        if first := self._told.get(id(error)):
            # pytest raises a session fixture's exception again for each check that needs it.
            result.reason = f"{result.reason.splitlines()[0]} (reported at {first[1]})"
            report.longrepr = result.reason
            if harness:
                report.outcome = "skipped"
                report.longrepr = (str(item.path), 0, f"Skipped: {result.reason}")
            return
        self._told[id(error)] = (error, item.nodeid)
        if harness:
            report.longrepr = self._run.redactor.redact(str(error))
            self._run.recorder.error(str(error))
            return
        box = self._run.recorder.box(result)
        box.attach("failure.txt", failure_text(error, report.longreprtext))
        for name, text in report.sections:
            box.attach(f"{name}.txt", text)
        self._diagnostics.collect(item, box)

    def _redact(self, report: pytest.TestReport) -> None:
        """Hide secrets in what pytest is about to print: a CI job's log is kept for a long time."""
        redact = self._run.redactor.redact
        text = report.longreprtext
        if (clean := redact(text)) != text:
            report.longrepr = clean
        report.sections = [(name, redact(content)) for name, content in report.sections]

    def _judge_twin(
        self,
        item: pytest.Item,
        call: pytest.CallInfo[None],
        report: pytest.TestReport,
        result: CheckResult,
        twin: Twin,
    ) -> None:
        if report.when == "setup" and report.passed:
            return
        if item.stash.get(TWIN_CAUGHT, False):
            return
        failure = call.excinfo.exconly() if call.excinfo else None
        judgement = judge(twin, failure)
        result.reason = judgement.reason
        result.verdict = Verdict.PASS if judgement.caught else Verdict.FAIL
        result.twin = TwinResult(defect=twin.defect, expect=twin.expect, caught=judgement.caught)
        report.outcome = "passed" if judgement.caught else "failed"
        if judgement.caught:
            item.stash[TWIN_CAUGHT] = True
            report.longrepr = None
            return
        box = self._run.recorder.box(result)
        if failure is not None:
            box.attach("failure.txt", report.longreprtext)
            self._diagnostics.collect(item, box)
        report.longrepr = self._run.redactor.redact(judgement.reason)

    def _after(self, item: pytest.Item, report: pytest.TestReport, result: CheckResult) -> None:
        phases = result.phases
        result.seconds = round(phases.setup + phases.call + phases.teardown, 3)
        if report.failed:
            self._run.recorder.error(f"{item.nodeid}: clean-up failed: {report.longreprtext}")
        self._under_test.describe()
        self._run.recorder.done()

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(
        self, session: pytest.Session, exitstatus: int
    ) -> Generator[None, None, None]:
        """Complete the report once every fixture is torn down, before the terminal's summary."""
        try:
            yield
        finally:
            interrupted = {pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR}
            self._run.end(complete=exitstatus not in interrupted)
            if self._run.recorder.report.errors and exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> None:
        """End with one line for each capability and the path of the report."""
        lines = terminal.summary(self._run.recorder.report, self._run.recorder.folder)
        terminalreporter.section("Stackspin conformance")
        for line, markup in lines:
            terminalreporter.write_line(line, **markup)


def _is_about_the_check(report: pytest.TestReport, call: pytest.CallInfo[None]) -> bool:
    """Whether the outcome says something about the check, not about a fault of the harness."""
    if report.when == "call" or call.excinfo is None:
        return True
    return isinstance(call.excinfo.value, (AssertionError, pytest.fail.Exception))


def _summary(error: BaseException) -> str:
    told = (str(error).strip() or type(error).__name__, *getattr(error, "__notes__", ()))
    text = "\n".join(told)
    return "\n".join(text.splitlines()[:20])[:4000]
