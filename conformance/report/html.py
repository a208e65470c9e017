"""The report as one HTML file that loads nothing: for a browser without a network, or an e-mail."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from conformance.common import pages
from conformance.common.visible import shown_lines
from conformance.report.again import again
from conformance.report.anchor import anchor
from conformance.report.assets import policy_and_script, style
from conformance.report.changes import Comparison
from conformance.report.conformance_report import FILE, conformance_report
from conformance.report.history.facts import Key
from conformance.report.installed import Installed
from conformance.report.model import RunReport
from conformance.report.platform import Whose
from conformance.report.results import CheckResult, Evidence
from conformance.report.timeline import timelines
from conformance.report.verdict import OverallVerdict, Verdict
from conformance.report.wording import (
    capability_verdict,
    history_of,
    named,
    pace,
    plain,
    ran_in,
    repeated,
    seconds,
    version_change,
)

_TAIL_LINES = 200
_TAIL_BYTES = 20_000
_IMAGE_BYTES = 1_000_000
_IMAGES = ("image/jpeg", "image/png")
"""Screenshots; those of older reports are PNG."""
_PAGE_BYTES = 4_900_000
"""What the page may have, so that a phone still opens the report of a bad night."""
_CHECK_BYTES, _FILE_BYTES = 2_000, 400
"""About what the page says of a check, and of a file of evidence, without what is in it."""

_SYMBOLS = {
    "pass": "✓",
    "fail": "✗",
    "not run": "\N{EN DASH}",
    "not applicable": "○",
    "waived": "~",
}
_SYMBOLS["partial"] = "◐"
_SYMBOLS["extended fail"] = _SYMBOLS["fail"]


_WHOSE = {
    Whose.REFERENCE: "the suite brings it along, and installed it",
    Whose.TREE: "the suite installed it from the maintainer's flux2 tree",
    Whose.INSTALLED: "it was on the cluster",
}


class _Inliner:
    """Reads evidence for the page, as long as there is room."""

    def __init__(self, folder: Path, checks: Sequence[CheckResult]) -> None:
        self._folder = folder
        files = sum(len(check.evidence) for check in checks)
        self._left = _PAGE_BYTES - _CHECK_BYTES * len(checks) - _FILE_BYTES * files

    def tail(self, evidence: Evidence) -> Markup | None:
        """Return the last lines of a text; None for anything else, or when the page is full."""
        if self._left <= 0 or evidence.media_type.startswith("image/"):
            return None
        path = self._folder / evidence.path
        with path.open("rb") as file:
            file.seek(max(0, evidence.bytes - _TAIL_BYTES))
            data = file.read()
        if b"\0" in data:
            return None
        text = plain("\n".join(data.decode(errors="replace").splitlines()[-_TAIL_LINES:]))
        # A quote, of which JSON is full, needs no escaping here.
        escaped = escape(shown_lines(text), quote=False)
        self._left -= len(escaped.encode())
        return Markup(escaped)  # noqa: S704

    def image(self, evidence: Evidence) -> str | None:
        """Return an image as data URL; None for anything else, or one that is too large."""
        room = min(_IMAGE_BYTES, self._left * 3 // 4)  # base64 makes 4 bytes of 3
        if evidence.media_type not in _IMAGES or evidence.bytes > room:
            return None
        data = base64.b64encode((self._folder / evidence.path).read_bytes()).decode()
        self._left -= len(data)
        return f"data:{evidence.media_type};base64,{data}"


def _size(count: int) -> str:
    value = float(count)
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.0f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"


def _headline(report: RunReport) -> list[str]:
    """Return what the page says first, each as one badge; of a run that goes on, a failure only."""
    progress = f"running, {report.checks_done} of {report.checks_selected} checks"
    known = report.state != "running" or report.verdict is OverallVerdict.FAIL
    first = [progress] if report.state == "running" else []
    return first + ([report.verdict.value] if known else [])


def _packages(report: RunReport) -> list[str]:
    """Return the names of the apps that the run was given by ``--app``."""
    if not any(one.startswith("--app ") for one in report.selection):
        return []
    return sorted({check.app for check in report.checks if check.app})


@cache
def _environment() -> Environment:
    environment = pages.environment("conformance.report")
    environment.filters |= {
        "duration": seconds,
        "size": _size,
        "anchor": anchor,
        "again": again,
        "plain": plain,
        "named": named,
        "ran_in": ran_in,
        "said": capability_verdict,
        "history": history_of,
        "version_change": version_change,
        "pace": pace,
        "repeated": repeated,
    }
    environment.globals |= {"symbols": _SYMBOLS, "whose": _WHOSE, "image_types": _IMAGES}
    return environment


def _histories(comparison: Comparison | None) -> dict[Key, str]:
    """Return since when checks fail, of those that do."""
    if comparison is None:
        return {}
    failing = [*comparison.newly_failing, *comparison.still_failing]
    return {(change.id, change.run): history_of(change) for change in failing}


def to_html(report: RunReport, folder: Path) -> str:
    """Return report.html; ``folder`` holds the evidence that ``report`` names."""
    order = [Verdict.FAIL, Verdict.NOT_RUN, Verdict.PASS, Verdict.NOT_APPLICABLE, Verdict.WAIVED]
    found: dict[str, int] = {verdict.value: 0 for verdict in order}
    for check in report.checks:
        found[check.verdict.value] += 1
    context: dict[str, Any] = {
        "report": report,
        "headline": _headline(report),
        "packages": _packages(report),
        "failures": [check for check in report.checks if check.verdict is Verdict.FAIL],
        "found": {verdict: count for verdict, count in found.items() if count},
        "history_of": _histories(report.comparison),
        "anchors": {(check.id, check.run): anchor(check) for check in report.checks},
        "clusters": sorted({check.cluster for check in report.checks if check.cluster}),
        "installed": Installed(report),
        "timelines": timelines(report),
        "longest": max((check.seconds for check in report.checks), default=0.0) or 1.0,
        "inliner": _Inliner(folder, report.checks),
        "to_hand_in": FILE if conformance_report(report) else "",
        "style": style("report.css"),
        **policy_and_script(),
    }
    return _environment().get_template("report.html.j2").render(context)
