"""One run of checks: what it consists of, and its report.

The plugin registers it only if checks were collected: other pytest runs are not affected.
"""

from __future__ import annotations

import importlib
from collections.abc import Collection, Generator, Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from conformance.report import terminal
from conformance.report.results import CheckResult, TwinResult
from conformance.report.verdict import Verdict
from conformance.suite.check import Check, app_of, check_of, checks_in
from conformance.suite.repeating import repetition_of
from conformance.suite.run import Run
from conformance.suite.selection import LEFT_OUT
from conformance.suite.twins import twin_of
from conformance.suite.under_test import WORD

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

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
        result = _result(check, item.nodeid, app_of(item), "not reached before the run ended")
        result.repetition = repetition_of(item)
        if twin := twin_of(item):
            result.twin = TwinResult(defect=twin.defect, expect=twin.expect, caught=False)
        yield result
    others = [item for item in deselected if item.path.parent in folders]
    left_out = {item: check for item in others if (check := check_of(item))}
    for item, check in left_out.items():
        reason = _LEFT_OUT if LEFT_OUT in item.stash else _NOT_SELECTED
        repetition, node_id = repetition_of(item), item.nodeid
        if repetition is None or repetition.number == 1:  # what does not run counts once
            name = repetition.removed_from(node_id) if repetition else node_id
            yield _result(check, name, app_of(item), reason)
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
    """Hooks of one run of checks; those of each check are ``verdicts.Verdicts``'s."""

    def __init__(self, run: Run) -> None:
        self._run = run

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
        return f"report, rewritten as checks end: {page}"

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
