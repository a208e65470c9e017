"""What changed between two runs, as reports have it."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from conformance.report.base import Model
from conformance.report.verdict import Verdict


class RunReference(Model):
    """Another run."""

    run_id: str
    started_at: datetime


class Change(Model):
    """One check that ended otherwise than in the previous run."""

    id: str
    run: str = Field(default="", description="Its parameters, the app first.")
    before: Verdict | None
    after: Verdict | None
    reason: str = ""
    failing_since: RunReference | None = Field(
        default=None, description="Of a check that fails: the first run in which it did."
    )
    last_passed: RunReference | None = Field(
        default=None, description="Of a check that fails or did not run: when it passed last."
    )
    flaked: int = Field(
        default=0, description="In how many of the runs before its failure was a flake."
    )
    ran: int = Field(default=0, description="In how many of the runs before it passed or failed.")


class DurationChange(Model):
    """A check that passed in both runs and took a notably different time."""

    id: str
    run: str = Field(default="", description="Its parameters, the app first.")
    before: float
    after: float
    usual: float | None = Field(
        default=None, description="Seconds that it usually takes: the median of the runs before."
    )


class VersionChange(Model):
    """Something that was tested in another version, or on another machine."""

    what: str
    before: str | None = Field(description="None: the run before did not have it.")
    after: str | None


class Comparison(Model):
    """What changed since an earlier run."""

    previous_run_id: str
    previous_started_at: datetime
    newly_failing: list[Change] = Field(default_factory=list)
    fixed: list[Change] = Field(default_factory=list)
    still_failing: list[Change] = Field(default_factory=list)
    no_longer_run: list[Change] = Field(default_factory=list)
    running_again: list[Change] = Field(
        default_factory=list, description="Not run in the run before, and passed in this one."
    )
    new: list[Change] = Field(default_factory=list)
    slower: list[DurationChange] = Field(default_factory=list)
    faster: list[DurationChange] = Field(default_factory=list)
    pace: float = Field(
        default=1.0,
        description="How many times as long as usual the checks took, by their median. What is "
        "slower or faster is so beyond this.",
    )
    runs_before: int = Field(
        default=1, description="How many earlier runs of the same were looked at."
    )
    versions: list[VersionChange] = Field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether no check changed."""
        return not (
            self.newly_failing
            or self.fixed
            or self.still_failing
            or self.no_longer_run
            or self.running_again
            or self.new
            or self.slower
            or self.faster
        )
