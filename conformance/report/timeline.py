"""When each check of a run went on, as SVG inside the page.

A row for each cluster or lane; if there was one only, for each capability.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from conformance.report.anchor import anchor
from conformance.report.model import RunReport
from conformance.report.results import CheckResult
from conformance.report.verdict import Verdict
from conformance.report.wording import counted, named, ran_in, seconds

_WIDTH = 1000
_LINE = 20
_BAR = 16
_GAP = 2
_NARROW = 3
"""What a telephone still shows, which draws the width in some 350 pixels."""
_OVERLAP = 0.1
"""Seconds by which one check may seem to end after the next began: both are rounded."""
_CLASSES = {Verdict.PASS: "passed", Verdict.FAIL: "failed"}


@dataclass(frozen=True)
class Row:
    """What ran in one place, or of one capability."""

    label: str
    """The cluster or the lane, or the capability; empty: the run had one only."""
    drawing: Markup


def timeline(report: RunReport) -> list[Row]:
    """Return the rows; none of a report that knows no beginnings.

    All have the same scale. Of each check, its set-up is paler: what was installed or awaited for
    it is in there.
    """
    begun = [(check.began, check) for check in report.checks if check.began is not None]
    total = max([report.seconds, *(began + check.seconds for began, check in begun)]) or 1.0
    places: dict[str, list[tuple[float, CheckResult]]] = {}
    for began, check in sorted(begun, key=lambda one: one[0]):
        label = ", ".join(filter(None, (check.where, ran_in(check))))
        places.setdefault(label, []).append((began, check))
    if len(places) == 1:
        return _rows(_by_capability(begun), total)
    return _rows(dict(sorted(places.items())), total)


def _by_capability(
    begun: Sequence[tuple[float, CheckResult]],
) -> dict[str, list[tuple[float, CheckResult]]]:
    """Divide the checks among their capabilities, in the order in which these began."""
    found: dict[str, list[tuple[float, CheckResult]]] = {}
    for began, check in sorted(begun, key=lambda one: one[0]):
        name = check.id.partition(".")[0].replace("_", " ").capitalize()
        found.setdefault(name, []).append((began, check))
    return found if len(found) > 1 else {"": [one for each in found.values() for one in each]}


def _rows(divided: dict[str, list[tuple[float, CheckResult]]], total: float) -> list[Row]:
    return [Row(label, _drawing(label, found, total)) for label, found in divided.items()]


def _drawing(place: str, begun: Sequence[tuple[float, CheckResult]], total: float) -> Markup:
    """Draw the checks of one place, in the order in which they began, as ``total`` seconds wide."""
    scale = _WIDTH / total
    ends: list[float] = []
    bars = []
    for began, check in begun:
        line = next((at for at, end in enumerate(ends) if end <= began + _OVERLAP), len(ends))
        ends[line : line + 1] = [began + check.seconds]
        bars.append(_bar(check, began, scale, line * _LINE))
    what = f"When each of {counted(len(begun), 'check')} went on, in {seconds(total)}"
    height = len(ends) * _LINE
    return Markup(
        '<svg role="img" aria-label="{}" viewBox="0 {} {} {}" height="{}" '
        'preserveAspectRatio="none">{}</svg>'
    ).format(
        f"{place}: {what}" if place else what,
        (_BAR - _LINE) // 2,
        _WIDTH,
        height,
        height,
        Markup("").join(bars),
    )


def _bar(check: CheckResult, began: float, scale: float, top: int) -> Markup:
    kind = _CLASSES.get(check.verdict, "open")
    start, set_up = began * scale, check.phases.setup * scale
    rest = (check.seconds - check.phases.setup) * scale
    rest = max(_NARROW, rest - _GAP)  # one check is seen to end, and the next to begin
    return Markup(
        '<g class="{}" data-check="{}"><title>{}: {}, {}</title>'
        '<path class="setup" d="M{:.1f} {}h{:.1f}v{}h-{:.1f}z"/>'
        '<path d="M{:.1f} {}h{:.1f}v{}h-{:.1f}z"/></g>'
    ).format(
        kind,
        anchor(check),
        named(check),
        check.verdict.value,
        seconds(check.seconds),
        *(start, top, set_up, _BAR, set_up),
        *(start + set_up, top, rest, _BAR, rest),
    )
