"""What a history says first: what fails and since when, what flakes, what has become slower."""

from __future__ import annotations

import enum
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from conformance.report.changes import VersionChange
from conformance.report.history.commits import between
from conformance.report.history.durations import usual
from conformance.report.history.episodes import CheckHistory, Episode, histories
from conformance.report.history.facts import OBSERVED, RunFacts
from conformance.report.history.versions import changed_versions
from conformance.report.verdict import Verdict

_RECENT = 7
"""Runs whose median is compared with what was usual before them."""


class State(enum.StrEnum):
    """How a check stands, the worst first."""

    FAILING = "failing"
    FLAKY = "flaky"
    SLOWER = "slower"
    STEADY = "steady"
    NOT_RUN = "not run"


@dataclass(frozen=True)
class Cause:
    """What changed between the last run in which a check passed and the first in which it failed.

    Nothing: the check may be a flake, or depend on something that reports do not know.
    """

    versions: list[VersionChange]
    commits: dict[str, list[str]]


@dataclass(frozen=True)
class Slower:
    """Seconds that a check usually took, and takes now."""

    before: float
    now: float


@dataclass(frozen=True)
class Row:
    """One check."""

    history: CheckHistory
    state: State
    slower: Slower | None
    platform_repository: Path | None

    def cause(self, episode: Episode) -> Cause | None:
        """Return what may have broken it; None if it is not known to have passed before."""
        if episode.last_good is None:
            return None
        good, bad = episode.last_good, episode.first
        return Cause(changed_versions(good, bad), between(good, bad, self.platform_repository))


@dataclass(frozen=True)
class Summary:
    """All checks of a series of runs."""

    runs: list[RunFacts]
    rows: list[Row]

    def of(self, state: State) -> list[Row]:
        """Return the checks that stand so."""
        return [row for row in self.rows if row.state is state]


def summarise(runs: Sequence[RunFacts], platform_repository: Path | None = None) -> Summary:
    """Return how each check stands, from runs of the same, the oldest first.

    ``platform_repository`` is a clone of the platform's tree, if there is one.
    """
    rows = []
    for history in histories(runs):
        slower = _slower(history)
        rows.append(Row(history, _state(history, slower), slower, platform_repository))
    return Summary(list(runs), sorted(rows, key=_urgency))


def _state(history: CheckHistory, slower: Slower | None) -> State:
    if history.latest is None or not history.observed:
        return State.NOT_RUN
    if history.failing:
        return State.FAILING
    if history.latest not in OBSERVED:
        return State.NOT_RUN
    if history.flaked:
        return State.FLAKY
    return State.SLOWER if slower else State.STEADY


def _slower(history: CheckHistory) -> Slower | None:
    passed = [one.seconds for _, one in history.observed if one.verdict is Verdict.PASS]
    before = usual(passed[:-_RECENT])
    if before is None:
        return None
    now = statistics.median(passed[-_RECENT:])
    return Slower(before.median, now) if now > before.longest else None


def _urgency(row: Row) -> tuple[int, float, float]:
    """Order checks: by state, what failed last first, then by how often it flakes."""
    failing = row.history.failing
    since = -failing.first.started_at.timestamp() if failing else 0.0
    return list(State).index(row.state), since, -(row.history.flake_rate or 0)
