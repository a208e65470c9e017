"""From pytest's phases of a check to its verdict and its evidence.

Checks may run side by side, each in a thread of its own (``lanes``).
"""

from __future__ import annotations

import threading
from collections.abc import Generator

import pytest

from conformance.clusters.base import Feature
from conformance.common import course
from conformance.common.errors import HarnessError
from conformance.components.waiting import seconds_waited
from conformance.report.evidence import failure_text
from conformance.report.results import CheckResult, TwinResult
from conformance.report.verdict import Verdict
from conformance.report.wording import reported_at
from conformance.suite.check import Exempt, NotApplicable, NotClaimed, check_of
from conformance.suite.diagnostics import Diagnostics
from conformance.suite.run import Run
from conformance.suite.twins import Twin, judge, twin_of
from conformance.suite.under_test import UnderTest

TWIN_CAUGHT = pytest.StashKey[bool]()


class _OfThread(threading.local):
    """For how long a thread had waited for builds when the last phase in it ended, in seconds."""

    waited = 0.0


class Verdicts:
    """Hooks of each check."""

    def __init__(self, run: Run, under_test: UnderTest) -> None:
        self._run = run
        self._under_test = under_test
        self._diagnostics = Diagnostics(under_test, run.redactor)
        self._told: dict[int, tuple[BaseException, str]] = {}
        self._thread = _OfThread()
        self._thread.waited = seconds_waited()  # a thread of a lane has not waited yet

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Fail a check without a twin in a twin run; let nothing be installed when a node dies."""
        check = check_of(item)
        if check is None:
            return
        course.take_awaited()  # what is waited for from now on is waited for by this check
        result = self._run.recorder.result(item.nodeid)
        result.reason, result.error = "the run ended during this check", True
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
        result.waited_for += self._run.recorder.awaited(course.take_awaited())
        twin = twin_of(item)
        if report.when == "call" or (report.when == "setup" and not report.passed):
            result.error = False
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
        waited = seconds_waited() - self._thread.waited
        self._thread.waited += waited
        self._run.recorder.waited(waited)
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
        result.error = harness
        result.reason = self._run.redactor.redact(_summary(error))
        if first := self._told.get(id(error)):
            # pytest raises a session fixture's exception again for each check that needs it.
            result.reason = reported_at(result.reason, first[1])
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


def _is_about_the_check(report: pytest.TestReport, call: pytest.CallInfo[None]) -> bool:
    """Whether the outcome says something about the check, not about a fault of the harness."""
    if report.when == "call" or call.excinfo is None:
        return True
    return isinstance(call.excinfo.value, (AssertionError, pytest.fail.Exception))


def _summary(error: BaseException) -> str:
    told = (str(error).strip() or type(error).__name__, *getattr(error, "__notes__", ()))
    text = "\n".join(told)
    return "\n".join(text.splitlines()[:20])[:4000]
