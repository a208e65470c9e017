"""Collects results while the run goes on, and writes them after every check.

Whatever ends the run, a report of what was known by then is on the disk. That of a killed run goes
on saying "running", as nobody is left to mark it: it has the time of its last writing beside it.
Its page may lack the last checks, as that is not written after each.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from conformance.common import course
from conformance.report.compare import compare_with_last
from conformance.report.environment import Awaited, InstallationStep
from conformance.report.evidence import EvidenceBox, RedactsText, file_name
from conformance.report.model import RunReport
from conformance.report.results import CheckResult, Evidence, repeated, summarise
from conformance.report.verdict import Verdict
from conformance.report.write import write_views

_PAGE_EVERY = 10.0
"""Seconds between two writings of the page, which take longer than those of all other views."""


class Recorder:
    """One run's report in the making; checks that run side by side may use it at the same time."""

    def __init__(self, reports_dir: Path, report: RunReport, redactor: RedactsText) -> None:
        self.report = report
        self.redactor = redactor
        twins = "-twins" if report.mode == "twins" else ""
        stamp = report.started_at.strftime("%Y%m%dT%H%M%SZ")
        self.folder = reports_dir / f"{stamp}-{report.run_id}{twins}"
        self.folder.mkdir(parents=True)
        self._latest = reports_dir / f"latest{twins}"
        self._results: dict[str, CheckResult] = {}
        self._boxes: dict[str, EvidenceBox] = {}
        self._began = self._page_written = time.monotonic()
        self._lock = threading.RLock()

    @staticmethod
    def now() -> datetime:
        """Return the time in UTC, to the second."""
        return datetime.now(UTC).replace(microsecond=0)

    def installation(self) -> list[InstallationStep]:
        """Return what this process has brought up and installed since the run began."""
        return [
            InstallationStep(
                step=went.step.name,
                kind=went.step.kind,
                cluster=went.step.cluster,
                began=self.at(went.began),
                seconds=round(went.ended - went.began, 2),
                outcome=went.outcome,
                waited_for=self.awaited(went.awaited),
            )
            for went in course.since(self._began)
            if went.step.kind != "part"  # ``obtained`` has those
        ]

    def awaited(self, found: Iterable[course.Awaited]) -> list[Awaited]:
        """Return what somebody waited for, as the report has it."""
        return [
            Awaited(
                step=one.step.name,
                cluster=one.step.cluster,
                began=self.at(one.began),
                seconds=round(one.ended - one.began, 2),
            )
            for one in found
        ]

    def at(self, moment: float) -> float:
        """Return a moment of ``time.monotonic`` in seconds since the run began."""
        return round(moment - self._began, 2)

    def elapsed(self) -> float:
        """Return the seconds since the run began."""
        return round(time.monotonic() - self._began, 1)

    def plan(self, results: Iterable[CheckResult], *, selected: int) -> None:
        """Say which checks this run consists of, in order, each with its verdict until it ran.

        ``selected`` of them are to run; the others were left out on the command line.
        """
        with self._lock:
            for result in results:
                self._results[result.node_id] = result
            self.report.checks_selected = selected
            self.write()

    def done(self) -> None:
        """Say that one more of the selected checks came to its end."""
        with self._lock:
            self.report.checks_done += 1
            self.write(page=time.monotonic() - self._page_written >= _PAGE_EVERY)

    def waited(self, seconds: float) -> None:
        """Add the seconds for which a check waited for components to be built."""
        with self._lock:
            total = self.report.building_seconds + seconds
            self.report.building_seconds = round(total, 3)

    def box(self, result: CheckResult) -> EvidenceBox:
        """Return the evidence of a planned check."""
        with self._lock:
            if result.node_id not in self._boxes:
                folder = file_name(f"{result.id}-{result.run}" if result.run else result.id)
                self._boxes[result.node_id] = EvidenceBox(self.folder, folder, self.redactor)
            return self._boxes[result.node_id]

    def result(self, node_id: str) -> CheckResult:
        """Return the result of a planned check, to be filled in."""
        return self._results[node_id]

    def find(self, node_id: str) -> CheckResult | None:
        """Return the result of a planned check; None of a test that is none."""
        return self._results.get(node_id)

    def take(self, result: CheckResult) -> None:
        """Put in what a planned check came to in another process, with its evidence."""
        with self._lock:
            self._results[result.node_id] = result

    def evidence(self, result: CheckResult) -> list[Evidence]:
        """Return the files that a check has left so far, in the order in which they are read."""
        with self._lock:
            box = self._boxes.get(result.node_id)
        return box.files() if box else result.evidence

    def error(self, text: str) -> None:
        """Report something that went wrong outside the checks: it fails the run."""
        with self._lock:
            self.report.errors.append(text)

    def finish(self, *, complete: bool) -> None:
        """Write the report for the last time; not ``complete`` when the run was interrupted.

        Nor is a run complete that did not come to each of its checks, as after ``pytest -x``.
        """
        whole = complete and self.report.checks_done == self.report.checks_selected
        self.report.state = "complete" if whole else "interrupted"
        self.report.process = None
        self.close()
        if whole:
            self.report.comparison = compare_with_last(self.folder.parent, self.report)
        self.write()
        if whole:
            replace_link(self._latest, self.folder.name)

    def close(self) -> None:
        """Keep no evidence any more, and redact once more what there is."""
        for box in self._boxes.values():
            box.close()
        self._summarise()

    def write(self, *, page: bool = True) -> None:
        """Write every view of what is known now, the page only if ``page`` is true.

        Each file is written at once or not at all.
        """
        with self._lock:
            self._summarise()
            self.report.written_at = self.now()
            self.report.seconds = self.elapsed()
            write_views(self.report, self.folder, page=page)
            if page:
                self._page_written = time.monotonic()

    def _summarise(self) -> None:
        """Bring what the report says of the checks up to date."""
        capabilities: dict[str, list[CheckResult]] = {}
        for result in self._results.values():
            if box := self._boxes.get(result.node_id):
                result.notes = [self.redactor.redact(note) for note in box.notes]
                result.measurements = box.measurements
                result.evidence = box.files()
            result.reason = self.redactor.redact(result.reason)
            capabilities.setdefault(result.id.partition(".")[0], []).append(result)
        self.report.errors = [self.redactor.redact(error) for error in self.report.errors]
        self.report.capabilities = [summarise(*entry) for entry in capabilities.items()]
        self.report.repeated = repeated(self.report.checks)
        if self.report.platform:
            self.report.platform.features.tried = tried(self.report.checks)


def tried(checks: Iterable[CheckResult]) -> list[str]:
    """Return the features of which a check passed or failed."""
    ran = (check for check in checks if check.verdict in (Verdict.PASS, Verdict.FAIL))
    return sorted({feature for check in ran for feature in check.features})


def replace_link(link: Path, target: str) -> None:
    """Point ``link`` at ``target`` in one step; a reader sees the old or the new."""
    temporary = link.with_name(f".{link.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(link)
