"""What changed between two runs: what a nightly job's reader wants to know first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from conformance.report.model import (
    Change,
    CheckResult,
    Comparison,
    DurationChange,
    RunReport,
    Verdict,
)
from conformance.report.platform import Whose

_NOTABLE_SECONDS = 5.0
_NOTABLE_RATIO = 1.5
"""A shared CI machine's noise stays below these; both must be exceeded."""
_TESTED = {"mode", "selection", "cluster", "platform"}


def load(path: Path) -> RunReport | None:
    """Return the report in ``path``; None when there is none or it is of another schema version."""
    try:
        return RunReport.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        return None


def last_whole_run(reports_dir: Path, report: RunReport) -> RunReport | None:
    """Return the newest complete report that says the same as ``report`` of what was tested.

    A run that was cut short, or had another selection, mode or provider, would only look as if
    checks were lost. The names of the folders begin with the time; a report is parsed until one is
    found, and only the one found is made a model.
    """
    wanted = _tested(report.model_dump(mode="json", by_alias=True, include=_TESTED))
    for path in sorted(reports_dir.glob("*Z-*/report.json"), reverse=True):
        try:
            document = json.loads(path.read_bytes())
        except (OSError, ValueError):
            continue
        whole = document.get("state") == "complete" and document.get("runId") != report.run_id
        if whole and _tested(document) == wanted and (found := load(path)):
            return found
    return None


def _tested(document: dict[str, Any]) -> tuple[object, ...]:
    """Return what must be the same in two reports that are compared."""
    cluster = document.get("cluster") or {}
    provider = cluster.get("provider")
    # A cluster of the suite's is called as one likes; the name of another one says which it is.
    which = cluster.get("name") if provider == "existing" else None
    platform = document.get("platform") or {"whose": Whose.REFERENCE}
    who = platform.get("implementation") or {}
    # The suite's own platform changes with the suite, and is still the one that it brings along.
    other = platform["whose"] != Whose.REFERENCE
    whose = (platform["whose"], who.get("organization"), who.get("project")) if other else None
    return document.get("mode"), document.get("selection"), provider, which, whose


def compare(before: RunReport, after: RunReport) -> Comparison:
    """Compare two runs check by check, and each on what it ran on: app, fault, twin."""
    result = Comparison(previous_run_id=before.run_id, previous_started_at=before.started_at)
    old = {(check.id, check.run): check for check in before.checks}
    new = {(check.id, check.run): check for check in after.checks}
    for key, check in new.items():
        _place(result, old.get(key), check)
    for key, check in old.items():
        if key not in new:
            result.no_longer_run.append(_change(check, check.verdict, None))
    return result


def _place(result: Comparison, was: CheckResult | None, now: CheckResult) -> None:
    before = was.verdict if was else None
    change = _change(now, before, now.verdict)
    if now.verdict is Verdict.FAIL:
        known = before is Verdict.FAIL
        (result.still_failing if known else result.newly_failing).append(change)
    elif before is None:
        result.new.append(change)
    elif before is Verdict.FAIL and now.verdict is Verdict.PASS:
        result.fixed.append(change)
    elif now.verdict is Verdict.NOT_RUN and before is not Verdict.NOT_RUN:
        result.no_longer_run.append(change)
    elif was and before is now.verdict is Verdict.PASS:
        _place_duration(result, was, now)


def _change(check: CheckResult, before: Verdict | None, after: Verdict | None) -> Change:
    return Change(
        id=check.id, run=check.run, before=before, after=after, reason=check.reason if after else ""
    )


def _place_duration(result: Comparison, was: CheckResult, now: CheckResult) -> None:
    slow, fast = max(was.seconds, now.seconds), min(was.seconds, now.seconds)
    if slow - fast < _NOTABLE_SECONDS or slow < fast * _NOTABLE_RATIO:
        return
    change = DurationChange(id=now.id, run=now.run, before=was.seconds, after=now.seconds)
    (result.slower if now.seconds > was.seconds else result.faster).append(change)
