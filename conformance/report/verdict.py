"""What is known about a promise, and about many."""

from __future__ import annotations

import enum


class Verdict(enum.StrEnum):
    """What is known about a promise after the run; never more than was observed."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    NOT_RUN = "not run"
    NOT_APPLICABLE = "not applicable"
    WAIVED = "waived"


class OverallVerdict(enum.StrEnum):
    """Verdict over many checks: a capability's core checks, or a run."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    PARTIAL = "partial"
