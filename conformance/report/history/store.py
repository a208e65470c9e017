"""The runs in a folder: their reports, and history.jsonl, which outlives them.

A CI job keeps one small file from night to night, not a year of evidence. It has one line a run,
in JSON; nothing in it is lost if it is deleted while the reports are there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import ValidationError

from conformance.common.given_files import read_bytes
from conformance.report.files import refused, write_atomically
from conformance.report.given import FILE as REPORT
from conformance.report.history.facts import RunFacts, Tested, facts_of
from conformance.report.history.kept import KeptReport
from conformance.report.model import RunReport

FILE = "history.jsonl"
YEAR = 366
"""How many runs a history looks back on."""


def load(path: Path) -> RunReport | None:
    """Return the report in ``path``; None when there is none or it is of another schema version."""
    try:
        return RunReport.model_validate_json(read_bytes(path))
    except (OSError, ValidationError):
        return None


def newest_first(reports_dir: Path, tested: Tested, *, without: str = "") -> Iterator[RunFacts]:
    """Yield the runs in a folder that ended and tested the same, each read when it is asked for.

    ``without`` is the id of a run to leave out. The names of the folders begin with the time.
    """
    kept = {run.folder: run for run in read(reports_dir / FILE)}
    folders = {path.parent.name for path in reports_dir.glob(f"*Z-*/{REPORT}")}
    for folder in sorted(folders | kept.keys(), reverse=True):
        run = kept.get(folder) or _facts(reports_dir, folder)
        if run and run.run_id != without and run.tested == tested:
            yield run


def update(reports_dir: Path, store: Path) -> list[RunFacts]:
    """Add the runs in a folder that have ended to ``store``; return all that it has, oldest first.

    Raises:
        HarnessError: ``store`` cannot be written.
    """
    known = {run.run_id: run for run in read(store)}
    folders = {run.folder for run in known.values()}
    for path in sorted(reports_dir.glob(f"*Z-*/{REPORT}")):
        name = path.parent.name
        if name not in folders and (run := _facts(reports_dir, name)):
            known[run.run_id] = run
    runs = sorted(known.values(), key=lambda run: (run.started_at, run.run_id))
    text = "".join(f"{run.model_dump_json(by_alias=True, exclude_defaults=True)}\n" for run in runs)
    with refused(store, "--store FILE"):
        write_atomically(store, text)
    return runs


def unread(reports_dir: Path, runs: Iterable[RunFacts]) -> list[str]:
    """Return the names of folders whose report is of none of the runs, in order."""
    known = {run.folder for run in runs}
    folders = {path.parent.name for path in reports_dir.glob(f"*Z-*/{REPORT}")}
    return sorted(folders - known)


def read(store: Path) -> list[RunFacts]:
    """Return the runs in a store, in its order; none if there is no such file.

    A line of another version of the suite, or half a line, is passed over.
    """
    try:
        lines = read_bytes(store).splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        with contextlib.suppress(ValidationError):
            found.append(RunFacts.model_validate_json(line))
    return found


def _facts(reports_dir: Path, folder: str) -> RunFacts | None:
    """Return what a folder's report says; None of one that goes on, was killed or is unreadable."""
    try:
        report = KeptReport.model_validate_json(read_bytes(reports_dir / folder / REPORT))
    except (OSError, ValidationError):
        return None
    return facts_of(report, folder) if report.state != "running" else None
