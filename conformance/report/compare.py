"""What changed between two runs: what a nightly job's reader wants to know first.

One broken night blinds nobody: a check that did not run in the earlier run is compared with the
last run before it in which it passed or failed.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from conformance.report.changes import Change, Comparison, DurationChange, RunReference
from conformance.report.history.durations import Usual, pace
from conformance.report.history.episodes import CheckHistory
from conformance.report.history.facts import OBSERVED, CheckFacts, Key, RunFacts, facts_of
from conformance.report.history.store import newest_first
from conformance.report.history.versions import changed_versions
from conformance.report.model import RunReport
from conformance.report.verdict import Verdict

LOOKED_AT = 30
"""Earlier runs that a comparison looks at: a month of nights."""

_NOTABLE_SECONDS = 5.0
_NOTABLE_RATIO = 1.5
"""Where the history is too short: a shared machine's noise stays below these; both are exceeded."""
_NOTABLE_PACE = 1.2


def compare(before: RunFacts, after: RunFacts, earlier: Sequence[RunFacts] = ()) -> Comparison:
    """Compare two runs check by check, and each on what it ran on: app, fault, twin.

    ``earlier`` are other runs of the same, in any order: they say what a check did when it ran
    last, since when it fails, and how long it usually takes.
    """
    others = {
        run.run_id: run
        for run in earlier
        if run.run_id != after.run_id and run.started_at <= after.started_at
    }
    runs = [*(others | {before.run_id: before}).values()]
    return _Comparing(before, after, sorted(runs, key=lambda run: run.started_at)).all()


def compare_with_last(reports_dir: Path, report: RunReport) -> Comparison | None:
    """Compare a run with the newest complete one that says the same of what was tested, if any.

    A run that was cut short, or had another selection, mode or provider, would only look as if
    checks were lost.
    """
    now = facts_of(report)
    found = newest_first(reports_dir, now.tested, without=now.run_id)
    earlier = [*itertools.islice(found, LOOKED_AT)]
    before = next((run for run in earlier if run.state == "complete"), None)
    return compare(before, now, earlier) if before else None


@dataclass(frozen=True)
class _Comparing:
    before: RunFacts
    after: RunFacts
    runs: list[RunFacts]
    """All earlier ones, oldest first; ``before`` is one of them."""

    @cached_property
    def _until_before(self) -> int:
        return self.runs.index(self.before) + 1

    def _history(self, key: Key) -> CheckHistory:
        return CheckHistory(key, self.runs, [run.by_key.get(key) for run in self.runs])

    def _usual(self, key: Key) -> Usual | None:
        return self._history(key).usual

    def all(self) -> Comparison:
        result = Comparison(
            previous_run_id=self.before.run_id,
            previous_started_at=self.before.started_at,
            runs_before=len(self.runs),
            versions=changed_versions(self.before, self.after),
        )
        for check in self.after.checks:
            self._place(result, check)
        for check in self.before.checks:
            if check.key not in self.after.by_key:
                result.no_longer_run.append(self._change(check, check.verdict, None))
        self._place_durations(result)
        return result

    def _last_known(self, key: Key) -> Verdict | None:
        """Return what the check did when it ran last, up to the earlier run; None: it never did."""
        for run in reversed(self.runs[: self._until_before]):
            check = run.by_key.get(key)
            if check and check.verdict in OBSERVED:
                return check.verdict
        return None

    def _place(self, result: Comparison, now: CheckFacts) -> None:
        was = self.before.by_key.get(now.key)
        before = was.verdict if was else None
        known = self._last_known(now.key)
        change = self._change(now, before, now.verdict)
        if now.verdict is Verdict.FAIL:
            failed = known is Verdict.FAIL
            (result.still_failing if failed else result.newly_failing).append(change)
        elif before is None and known is None:
            result.new.append(change)
        elif now.verdict is Verdict.PASS and known is Verdict.FAIL:
            result.fixed.append(change)
        elif now.verdict is Verdict.PASS and before is not Verdict.PASS:
            result.running_again.append(change)
        elif now.verdict not in OBSERVED and before in OBSERVED:
            result.no_longer_run.append(change)

    def _change(self, check: CheckFacts, before: Verdict | None, after: Verdict | None) -> Change:
        change = Change(
            id=check.id,
            run=check.run,
            before=before,
            after=after,
            reason=check.reason if after else "",
        )
        if after in (Verdict.PASS, Verdict.WAIVED, Verdict.NOT_APPLICABLE):
            return change
        history = self._history(check.key)
        change.ran, change.flaked = len(history.observed), history.flaked
        passed = [run for run, one in history.observed if one.verdict is Verdict.PASS]
        change.last_passed = _reference(passed[-1]) if passed else None
        if after is Verdict.FAIL:
            since = history.failing.first if history.failing else self.after
            change.failing_since = _reference(since)
        return change

    def _place_durations(self, result: Comparison) -> None:
        both = [
            (was, now, self._usual(now.key))
            for now in self.after.checks
            if (was := self.before.by_key.get(now.key))
            and was.verdict is now.verdict is Verdict.PASS
        ]
        found = pace((now.seconds, usual) for _, now, usual in both if usual)
        if found >= _NOTABLE_PACE or found <= 1 / _NOTABLE_PACE:
            result.pace = round(found, 2)
        for was, now, usual in both:
            seconds = now.seconds / result.pace
            if _is_slower(was.seconds, seconds, usual):
                result.slower.append(_duration(was, now, usual))
            elif _is_faster(was.seconds, seconds, usual):
                result.faster.append(_duration(was, now, usual))


def _is_slower(before: float, now: float, usual: Usual | None) -> bool:
    """Whether a check has become slower; if it already was in the run before, that was said then.

    The verdicts of checks that became slower for good are news once.
    """
    if usual:
        return now > usual.longest >= before
    return now - before >= _NOTABLE_SECONDS and now >= before * _NOTABLE_RATIO


def _is_faster(before: float, now: float, usual: Usual | None) -> bool:
    if usual:
        return now < usual.shortest <= before
    return before - now >= _NOTABLE_SECONDS and before >= now * _NOTABLE_RATIO


def _duration(was: CheckFacts, now: CheckFacts, usual: Usual | None) -> DurationChange:
    return DurationChange(
        id=now.id,
        run=now.run,
        before=was.seconds,
        after=now.seconds,
        usual=round(usual.median, 1) if usual else None,
    )


def _reference(run: RunFacts) -> RunReference:
    return RunReference(run_id=run.run_id, started_at=run.started_at)
