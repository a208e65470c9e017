"""A history in a few lines of terminal."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.report.history.facts import RunFacts
from conformance.report.history.summary import Row, State, Summary
from conformance.report.wording import seconds, version_change


def in_short(summary: Summary) -> Iterator[str]:
    """Yield what fails and since when, what flakes, what is slower; then how many are steady."""
    first, last = summary.runs[0], summary.runs[-1]
    many = "1 run" if first is last else f"{len(summary.runs)} runs"
    yield f"{many} from {_day(first)} to {_day(last)}: {last.tested}"
    for row in summary.of(State.FAILING):
        yield from _failing(row)
    for row in summary.of(State.FLAKY):
        ran = len(row.history.observed)
        share = 100 * row.history.flaked / ran
        yield f"flaky: {row.history.name}: {row.history.flaked} of {ran} runs, {share:.1f} %"
    for row in summary.of(State.SLOWER):
        if row.slower:
            took = f"took {seconds(row.slower.before)}, takes {seconds(row.slower.now)}"
            yield f"slower: {row.history.name}: {took}"
    yield f"{len(summary.of(State.STEADY))} checks are steady"


def _failing(row: Row) -> Iterator[str]:
    episode = row.history.failing
    if episode is None:
        return
    since = f"run {episode.first.run_id} of {_day(episode.first)}"
    yield f"failing: {row.history.name}: since {since}: {episode.reason}"
    cause = row.cause(episode)
    if cause is None or episode.last_good is None:
        return
    good = episode.last_good
    yield f"  passed last in run {good.run_id} of {_day(good)}; what changed since then:"
    yield from (f"    {version_change(one)}" for one in cause.versions)
    if not cause.versions:
        yield "    no version"
    for whose, lines in cause.commits.items():
        yield from (f"    {whose} {line}" for line in lines)


def _day(run: RunFacts) -> str:
    return f"{run.started_at:%Y-%m-%d}"
