"""A badge with the verdict of a run, as SVG: for the README of a platform."""

from __future__ import annotations

from conformance.common import pages
from conformance.report.model import RunReport
from conformance.report.results import Counts
from conformance.report.verdict import OverallVerdict, Verdict

_TITLE = "Stackspin conformance"
_COLOURS = {
    OverallVerdict.PASS: "#17693a",
    OverallVerdict.FAIL: "#a3151f",
    OverallVerdict.PARTIAL: "#7a4b00",
}
_LETTER = 6.6
"""Pixels; the text is set to exactly this width, whatever the font of the reader."""
_SPACE = 12


def to_badge(report: RunReport) -> str:
    """Return the SVG image."""
    said = _said(report)
    widths = [round(len(text) * _LETTER) + _SPACE for text in (_TITLE, said)]
    template = pages.environment("conformance.report").get_template("badge.svg.j2")
    return template.render(
        title=_TITLE,
        said=said,
        about=f"{_TITLE}: {said}, run {report.run_id} of {report.started_at:%Y-%m-%d}",
        widths=widths,
        space=_SPACE,
        colour=_COLOURS[report.verdict],
    )


def _said(report: RunReport) -> str:
    """Return the verdict, how many core checks passed, and of whose platform."""
    core = [capability.core for capability in report.capabilities]
    passed, total = _sum(core, "passed"), _sum(core, "total")
    failed = sum(check.verdict is Verdict.FAIL for check in report.checks)
    said = f"{failed} failed" if failed else f"{report.verdict.value}, core {passed}/{total}"
    platform = report.platform
    if platform is None or platform.is_reference:
        return said
    return f"{platform.implementation.project} {platform.implementation.version}: {said}"


def _sum(counts: list[Counts], name: str) -> int:
    return sum(getattr(one, name) for one in counts)
