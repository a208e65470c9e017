"""The report in a few lines of terminal: one a capability, then the first failures."""

from __future__ import annotations

from pathlib import Path

from conformance.common.visible import shown_lines
from conformance.report.changes import Comparison
from conformance.report.conformance_report import FILE, conformance_report
from conformance.report.model import RunReport
from conformance.report.results import Capability, Counts
from conformance.report.verdict import Verdict
from conformance.report.wording import capability_verdict, named, repeated

Line = tuple[str, dict[str, bool]]

_COLOUR = {
    "pass": {"green": True},
    "fail": {"red": True},
    "extended fail": {"red": True},
    "partial": {"yellow": True},
    "not applicable": {},
}
_SHOWN_FAILURES = 5


def summary(report: RunReport, folder: Path) -> list[Line]:
    """Return the lines that end a run, each with pytest's mark-up for it."""
    lines: list[Line] = [_capability(capability) for capability in report.capabilities]
    somebodys = report.platform if report.platform and not report.platform.is_reference else None
    if somebodys:
        allowed = ", ".join(somebodys.allowed)
        lines.append((f"Platform: {somebodys.name}; checks might touch: {allowed}", {}))
    if report.mode == "twins":
        lines += [
            (f"  {check.reason}", {}) for check in report.checks if check.twin and check.twin.caught
        ]
    if report.repeated:
        lines.append((f"Repeated: {repeated(report.repeated)}", {}))
    lines += [
        (f"FLAKE {named(one)}: passed {one.passed} of {one.times} times", {"yellow": True})
        for one in report.repeated
        if one.flaky
    ]
    failures = [check for check in report.checks if check.verdict is Verdict.FAIL]
    for check in failures[:_SHOWN_FAILURES]:
        first = check.reason.splitlines()[0] if check.reason else ""
        lines.append((f"FAIL {named(check)}: {first}", {"red": True}))
    if len(failures) > _SHOWN_FAILURES:
        lines.append((f"... and {len(failures) - _SHOWN_FAILURES} more failures", {"red": True}))
    lines += [(f"ERROR {error}", {"red": True}) for error in report.errors]
    if report.left_out:
        left_out = f"{report.left_out}; --all runs them, too"
        lines.append((f"Extended checks left out: {left_out}", {}))
    if report.building_seconds >= 1:
        waited = f"{report.building_seconds:.0f} s, not in any check's time"
        lines.append((f"Building components: {waited}", {}))
    if report.comparison:
        lines += _comparison(report.comparison)
    if report.state == "interrupted":
        ran = f"{report.checks_done} of {report.checks_selected} checks ran"
        lines.append((f"Interrupted: {ran}; the report holds them.", {"yellow": True}))
    verdict = report.verdict.value
    lines.append((f"Verdict: {verdict}", {**_COLOUR[verdict], "bold": True}))
    lines.append((f"Report: {folder / 'report.html'}", {"bold": True}))
    if somebodys and conformance_report(report):
        lines.append((f"To hand in: {folder / FILE}", {}))
    return [(shown_lines(line), look) for line, look in lines]


def _capability(capability: Capability) -> Line:
    said = capability_verdict(capability)
    parts = [f"{capability.id:<20} {said:<14}"]
    for name, counts in (("core", capability.core), ("extended", capability.extended)):
        if counts.total or counts.exempt:
            parts.append(f"{name} {_counts(counts)}")
    parts.append(f"{capability.seconds:.0f} s")
    return "  ".join(parts), _COLOUR[said]


def _counts(counts: Counts) -> str:
    text = f"{counts.passed}/{counts.total}"
    others = [
        f"{number} {word}"
        for number, word in (
            (counts.failed, "failed"),
            (counts.not_run, "not run"),
            (counts.waived, "waived"),
            (counts.exempt, "exempt"),
        )
        if number
    ]
    return f"{text} ({', '.join(others)})" if others else text


def _comparison(comparison: Comparison) -> list[Line]:
    kinds = (
        ("newly failing", comparison.newly_failing),
        ("fixed", comparison.fixed),
        ("still failing", comparison.still_failing),
        ("no longer run", comparison.no_longer_run),
        ("running again", comparison.running_again),
        ("new", comparison.new),
        ("slower", comparison.slower),
        ("faster", comparison.faster),
    )
    changes = ", ".join(f"{len(found)} {word}" for word, found in kinds if found)
    lines: list[Line] = [(f"Since run {comparison.previous_run_id}: {changes or 'no change'}", {})]
    lines += [
        (f"  newly failing: {named(change)}", {"red": True}) for change in comparison.newly_failing
    ]
    return lines
