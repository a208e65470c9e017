"""When each check of a run went on, as SVG inside the page: one line for each that ran beside."""

from __future__ import annotations

from markupsafe import Markup

from conformance.report.model import RunReport
from conformance.report.results import CheckResult
from conformance.report.verdict import Verdict
from conformance.report.wording import named, seconds

_WIDTH = 1000
_LINE = 20
_BAR = 16
_OVERLAP = 0.1
"""Seconds by which one check may seem to end after the next began: both are rounded."""
_CLASSES = {Verdict.PASS: "passed", Verdict.FAIL: "failed"}


def timeline(report: RunReport) -> Markup | None:
    """Return the picture; None of a report that does not know when its checks began.

    Of each check, its set-up is paler: what was installed or awaited for it is in there.
    """
    begun = [(check.began, check) for check in report.checks if check.began is not None]
    if not begun:
        return None
    total = max([report.seconds, *(began + check.seconds for began, check in begun)]) or 1.0
    scale = _WIDTH / total
    ends: list[float] = []
    bars = []
    for began, check in sorted(begun, key=lambda one: one[0]):
        line = next((at for at, end in enumerate(ends) if end <= began + _OVERLAP), len(ends))
        ends[line : line + 1] = [began + check.seconds]
        bars.append(_bar(check, began, scale, line * _LINE))
    label = f"When each of {len(begun)} checks went on, in {seconds(total)}"
    return Markup(
        '<svg role="img" aria-label="{}" viewBox="0 0 {} {}" height="{}" '
        'preserveAspectRatio="none">{}</svg>'
    ).format(label, _WIDTH, len(ends) * _LINE, len(ends) * _LINE, Markup("").join(bars))


def _bar(check: CheckResult, began: float, scale: float, top: int) -> Markup:
    kind = _CLASSES.get(check.verdict, "open")
    start, set_up = began * scale, check.phases.setup * scale
    rest = max(0.5, (check.seconds - check.phases.setup) * scale)
    return Markup(
        '<g class="{}"><title>{}: {}, {}</title>'
        '<path class="setup" d="M{:.1f} {}h{:.1f}v{}h-{:.1f}z"/>'
        '<path d="M{:.1f} {}h{:.1f}v{}h-{:.1f}z"/></g>'
    ).format(
        kind,
        named(check),
        check.verdict.value,
        seconds(check.seconds),
        *(start, top, set_up, _BAR, set_up),
        *(start + set_up, top, rest, _BAR, rest),
    )
