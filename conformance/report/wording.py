"""What several views of a report say in the same words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from conformance.report.changes import Change, Comparison, DurationChange, VersionChange
from conformance.report.results import Capability, CheckResult, Repeated
from conformance.report.verdict import OverallVerdict, Verdict

_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def plain(text: str) -> str:
    """Drop a terminal's control sequences, and show any other control character as a box."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", _ESCAPE.sub("", text))


def capability_verdict(capability: Capability) -> str:
    """Return a capability's verdict, in words that do not say "pass" where a check failed.

    Its core checks decide on the verdict; a failed extended check makes the run fail nevertheless.
    "Partial" would say that something is missing where none of its checks applies.
    """
    counts = (capability.core, capability.extended)
    if capability.checks and not any(one.total or one.exempt for one in counts):
        return Verdict.NOT_APPLICABLE.value
    if capability.verdict is OverallVerdict.PASS and capability.extended.failed:
        return "extended fail"
    return capability.verdict.value


def counted(number: int, word: str) -> str:
    """Return how many of a thing there are."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def seconds(count: float) -> str:
    """Return a duration as people say it."""
    if count >= 120:
        return f"{int(count) // 60} min {int(count) % 60} s"
    return f"{count:.1f} s"


def named(what: CheckResult | Change | DurationChange | Repeated) -> str:
    """Return what to call a check in one line."""
    return f"{what.id} on {what.run}" if what.run else what.id


def labelled(check: CheckResult) -> str:
    """Return what a check is called in a list of many, which is read down its first words."""
    return f"{check.id} [{check.run}]" if check.run else check.id


def ran_in(check: CheckResult) -> str:
    """Return on which of several clusters, or in which lane, a check ran; or nothing."""
    return check.cluster or (f"lane {check.lane}" if check.lane else "")


_REPORTED_AT = re.compile(r" \(reported at .+\)$")


def reported_at(reason: str, node_id: str) -> str:
    """Return the reason of a check that failed by what was reported in full at another one."""
    return f"{reason.splitlines()[0]} (reported at {node_id})"


def is_reported_elsewhere(reason: str) -> bool:
    """Whether a reason is only a reminder of what was reported in full at another check."""
    return bool(_REPORTED_AT.search(reason))


def history_of(change: Change) -> str:
    """Return since when a check fails or does not run, and how often it flaked; may be empty.

    A check that passed in none of the runs that were looked at may fail for longer than these go.
    """
    said = []
    since, passed = change.failing_since, change.last_passed
    if since:
        known = "at least " if change.ran and not passed else ""
        said.append(f"fails {known}since run {since.run_id} of {since.started_at:%Y-%m-%d}")
    if passed:
        said.append(f"passed last in run {passed.run_id} of {passed.started_at:%Y-%m-%d}")
    elif since and change.ran:
        said.append("passed in none of the runs that were looked at")
    if change.flaked:
        said.append(f"a flake in {change.flaked} of {change.ran} runs before")
    return ", ".join(said)


def repeated(found: Sequence[Repeated]) -> str:
    """Return what came of the checks that ran several times; empty if none did."""
    if not found:
        return ""
    always = sum(one.passed == one.times for one in found)
    flaky = sum(one.flaky for one in found)
    never = sum(not one.passed and one.failed == one.times for one in found)
    kinds = (
        ("passed each time", always),
        ("passed sometimes", flaky),
        ("failed each time", never),
        ("did not run each time", len(found) - always - flaky - never),
    )
    said = ", ".join(f"{number} {word}" for word, number in kinds if number)
    return f"{counted(len(found), 'check')}, {found[0].times} times each: {said}"


def version_change(change: VersionChange) -> str:
    """Return one version's change in a line."""
    if change.before is None:
        return f"{change.what}: {change.after}, not there before"
    if change.after is None:
        return f"{change.what}: not there any more, was {change.before}"
    return f"{change.what}: {change.before} → {change.after}"


def pace(comparison: Comparison) -> str:
    """Return how the run's checks went as a whole; empty if as usual."""
    if comparison.pace == 1:
        return ""
    return (
        f"The whole run took {comparison.pace:g} times as long as usual; "
        "what is slower or faster is so beyond that."
    )
