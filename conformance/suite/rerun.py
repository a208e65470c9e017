"""What did not work in an earlier run, again: ``--rerun-failed REPORT``."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from conformance.common.errors import HarnessError
from conformance.common.settings import Settings
from conformance.report.given import given
from conformance.report.results import CheckResult
from conformance.report.verdict import Verdict
from conformance.report.wording import counted
from conformance.suite.check import check_of
from conformance.suite.repeating import repetition_of
from conformance.suite.selection import AGAIN

Key = tuple[str, str]
"""A check's id, and its parameters."""


@dataclass(eq=False)  # plugins are hashed
class Rerun:
    """The checks of a report that are to run again; a plugin, which says so."""

    run_id: str
    wanted: set[Key]
    gone: list[Key] = field(default_factory=list)
    """Those of them that there are no more."""

    @classmethod
    def of(cls, path: Path, *, twins: bool) -> Rerun:
        """Read them from a report.json or its folder.

        Raises ``UsageError`` for a file that is no report, and for one in which all is well.
        """
        try:
            _, report = given(path)
        except HarnessError as error:
            raise pytest.UsageError(f"--rerun-failed: {error}") from error
        if (report.mode == "twins") != twins:
            other = "was on twins: give --twins" if not twins else "was not: leave --twins out"
            raise pytest.UsageError(f"--rerun-failed: run {report.run_id} {other}")
        wanted = {(check.id, check.parameters) for check in report.checks if did_not_work(check)}
        if not wanted:
            raise pytest.UsageError(
                f"--rerun-failed: in run {report.run_id} no check failed, nor could one not run "
                "because of an error: there is nothing to run again"
            )
        return cls(report.run_id, wanted)

    def choose(self, items: list[pytest.Item]) -> list[pytest.Item]:
        """Leave those tests in ``items`` that are to run again; return the others."""
        keys = {item: key_of(item) for item in items}
        self.gone = sorted(self.wanted - {key for key in keys.values() if key})
        others = [item for item in items if keys[item] not in self.wanted]
        items[:] = [item for item in items if keys[item] in self.wanted]
        return others

    def pytest_report_collectionfinish(self) -> str:
        """Say how many they are."""
        number = len(self.wanted) - len(self.gone)
        text = f"again: {counted(number, 'check')} of run {self.run_id}"
        names = [" on ".join(filter(None, key)) for key in self.gone]
        return f"{text}; not there any more: {', '.join(names)}" if names else text


def did_not_work(check: CheckResult) -> bool:
    """Whether a check failed, or could not run because of an error outside it."""
    return check.verdict is Verdict.FAIL or check.error


def choose_again(config: pytest.Config, settings: Settings, items: list[pytest.Item]) -> None:
    """Deselect what worked in the run of ``--rerun-failed``. Raises ``UsageError``."""
    if settings.rerun_failed is None:
        return
    rerun = Rerun.of(settings.rerun_failed, twins=config.getoption("twins"))
    config.stash[AGAIN] = rerun.run_id
    config.pluginmanager.register(rerun, "stackspin-conformance-rerun")
    if others := rerun.choose(items):
        config.hook.pytest_deselected(items=others)


def key_of(item: pytest.Item) -> Key | None:
    """Return by what a test is found in a report; None of a test that is no check."""
    check = check_of(item)
    if check is None:
        return None
    callspec = getattr(item, "callspec", None)
    parameters = callspec.id if callspec else ""
    repetition = repetition_of(item)
    return check.id, repetition.without(parameters) if repetition else parameters
