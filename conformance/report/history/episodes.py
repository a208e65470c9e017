"""When a check failed, run after run: breaks, which last, and flakes, which do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from conformance.report.history.durations import Usual, usual
from conformance.report.history.facts import OBSERVED, CheckFacts, Key, RunFacts
from conformance.report.verdict import Verdict


@dataclass(frozen=True)
class Episode:
    """Runs on end in which a check failed. Those in which it did not run are passed over."""

    runs: list[RunFacts]
    reason: str
    """Of the first."""
    last_good: RunFacts | None
    """None: it failed in the first run that is known."""
    mended: RunFacts | None
    """The first in which it passed again; None: it still fails."""

    @property
    def first(self) -> RunFacts:
        """The first in which it failed."""
        return self.runs[0]

    @property
    def is_flake(self) -> bool:
        """Whether nothing was broken, as far as the runs tell.

        The check passed again after one run, or it passed and failed on exactly the same versions.
        """
        if self.mended is None:
            return False
        beside = [run for run in (self.last_good, self.mended) if run]
        return len(self.runs) == 1 or any(
            run.same_versions(other) for run in self.runs for other in beside
        )


@dataclass(frozen=True)
class CheckHistory:
    """One check in all runs, oldest first."""

    key: Key
    runs: list[RunFacts]
    results: list[CheckFacts | None]
    """One a run; None: the run has no such check."""

    @property
    def name(self) -> str:
        """What to call it in one line."""
        return CheckFacts(*self.key, Verdict.NOT_RUN).name

    @cached_property
    def observed(self) -> list[tuple[RunFacts, CheckFacts]]:
        """The runs in which it passed or failed."""
        pairs = zip(self.runs, self.results, strict=True)
        return [(run, one) for run, one in pairs if one and one.verdict in OBSERVED]

    @cached_property
    def failures(self) -> int:
        """How many runs it failed in."""
        return sum(one.verdict is Verdict.FAIL for _, one in self.observed)

    @property
    def pass_rate(self) -> float | None:
        """The share of the runs it ran in that it passed; None: it never ran."""
        ran = len(self.observed)
        return (ran - self.failures) / ran if ran else None

    @cached_property
    def flaked(self) -> int:
        """In how many runs its failure was a flake."""
        return sum(len(episode.runs) for episode in self.episodes if episode.is_flake)

    @property
    def flake_rate(self) -> float | None:
        """The share of the runs it ran in that it flaked in; None: it never ran."""
        return self.flaked / len(self.observed) if self.observed else None

    @cached_property
    def episodes(self) -> list[Episode]:
        """Its failures, oldest first."""
        found: list[Episode] = []
        failing: list[tuple[RunFacts, CheckFacts]] = []
        good: RunFacts | None = None
        for run, one in self.observed:
            if one.verdict is Verdict.FAIL:
                failing.append((run, one))
                continue
            if failing:
                found.append(_episode(failing, good, run))
                failing = []
            good = run
        return [*found, _episode(failing, good, None)] if failing else found

    @property
    def failing(self) -> Episode | None:
        """The episode that goes on, if the check fails now."""
        last = self.episodes[-1] if self.episodes else None
        return last if last and last.mended is None else None

    @property
    def breaks(self) -> list[Episode]:
        """The episodes that are no flakes."""
        return [episode for episode in self.episodes if not episode.is_flake]

    @cached_property
    def usual(self) -> Usual | None:
        """How long it takes where it passes."""
        return usual([one.seconds for _, one in self.observed if one.verdict is Verdict.PASS])

    @property
    def latest(self) -> Verdict | None:
        """What the last run says of it; None: the last run has no such check."""
        last = self.results[-1]
        return last.verdict if last else None


def _episode(
    failing: list[tuple[RunFacts, CheckFacts]], good: RunFacts | None, mended: RunFacts | None
) -> Episode:
    return Episode([run for run, _ in failing], failing[0][1].reason, good, mended)


def histories(runs: Sequence[RunFacts]) -> list[CheckHistory]:
    """Return the history of each check of ``runs``, which are oldest first, in the checks' order.

    The order is that of the newest run that has a check.
    """
    keys = dict.fromkeys(key for run in reversed(runs) for key in run.by_key)
    return [CheckHistory(key, list(runs), [run.by_key.get(key) for run in runs]) for key in keys]
