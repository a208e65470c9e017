"""A comparison as Markdown: for a merge request's comment, a job's summary, or an e-mail."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape

from conformance.common.visible import shown
from conformance.report.changes import Change, Comparison, DurationChange
from conformance.report.history.facts import RunFacts
from conformance.report.verdict import Verdict
from conformance.report.wording import history_of, named, pace, plain, version_change

_NAMED = 50
"""Lines of a list that are shown at once; a comment with thousands is read by nobody."""


def to_markdown(before: RunFacts, after: RunFacts, comparison: Comparison) -> str:
    """Return the comparison, the worst first."""
    return "\n".join(_lines(before, after, comparison)) + "\n"


def _lines(before: RunFacts, after: RunFacts, found: Comparison) -> Iterator[str]:
    yield f"## Stackspin conformance: {after.verdict.value}"
    yield ""
    yield f"Run {_run(after)}, compared with run {_run(before)}: {_in_short(found)}."
    if after.state != "complete":
        yield f"The run did not come to its end: its state is {_text(after.state)}."
    if before.tested != after.tested:
        tested = [_text(str(run.tested)) for run in (before, after)]
        yield f"They did not test the same: {tested[0]} before, {tested[1]} now."
    if found.runs_before > 1:
        yield f"{found.runs_before} earlier runs were looked at."
    yield ""
    yield "| | " + " | ".join(verdict.value for verdict in Verdict) + " |"
    yield "|---|" + "---:|" * len(Verdict)
    for title, run in (("before", before), ("now", after)):
        yield f"| {title} | " + " | ".join(str(_count(run, verdict)) for verdict in Verdict) + " |"
    yield from _list("errors outside the checks", map(_text, after.errors))
    yield from _list("newly failing", map(_failing, found.newly_failing))
    yield from _list("no longer run", map(_lost, found.no_longer_run))
    yield from _list("still failing", map(_failing, found.still_failing))
    yield from _list("fixed", map(_check, found.fixed))
    yield from _list("running again", map(_check, found.running_again))
    yield from _list("new", map(_check, found.new))
    yield from _list("slower", map(_duration, found.slower))
    yield from _list("faster", map(_duration, found.faster))
    if said := pace(found):
        yield from ("", said)
    yield from _list("changed versions", (_text(version_change(one)) for one in found.versions))


def _run(run: RunFacts) -> str:
    return f"{_code(run.run_id)} of {run.started_at:%Y-%m-%d %H:%M} UTC"


def _in_short(found: Comparison) -> str:
    kinds: dict[str, Sequence[object]] = {
        "newly failing": found.newly_failing,
        "no longer run": found.no_longer_run,
        "still failing": found.still_failing,
        "fixed": found.fixed,
        "running again": found.running_again,
        "new": found.new,
        "slower": found.slower,
        "faster": found.faster,
    }
    said = [f"{len(changes)} {word}" for word, changes in kinds.items() if changes]
    return ", ".join(said) or "no check changed"


def _count(run: RunFacts, verdict: Verdict) -> int:
    return sum(check.verdict is verdict for check in run.checks)


def _list(title: str, lines: Iterable[str]) -> Iterator[str]:
    found = list(lines)
    if not found:
        return
    yield from ("", f"### {title.capitalize()}: {len(found)}", "")
    yield from (f"- {line}" for line in found[:_NAMED])
    if len(found) > _NAMED:
        rest = found[_NAMED:]
        yield from ("", f"<details><summary>{len(rest)} more</summary>", "")
        yield from (f"- {line}" for line in rest)
        yield from ("", "</details>")


def _check(change: Change | DurationChange) -> str:
    return _code(named(change))


def _failing(change: Change) -> str:
    said = _check(change) + (f": {_text(change.reason)}" if change.reason else "")
    return f"{said} ({_text(history)})" if (history := history_of(change)) else said


def _lost(change: Change) -> str:
    if change.after is None:
        return f"{_check(change)}: there is no such check any more"
    return f"{_check(change)}: {change.after.value}, {_text(change.reason)}"


def _duration(change: DurationChange) -> str:
    usually = f", usually {change.usual:.1f} s" if change.usual is not None else ""
    return f"{_check(change)}: {change.before:.1f} s → {change.after:.1f} s{usually}"


def _code(text: str) -> str:
    """Return a name as code, from which no backtick in it leads out."""
    marks = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    space = " " if len(marks) > 1 or not text else ""
    return f"{marks}{space}{shown(text)}{space}{marks}"


def _text(text: str) -> str:
    """Return text of a run's as Markdown that shows it as it is, whatever it contains."""
    first = escape(shown(plain(text).partition("\n")[0]), quote=False)
    return "".join(f"\\{letter}" if letter in "\\`*_[]|#~@!" else letter for letter in first)
