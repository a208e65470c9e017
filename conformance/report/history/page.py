"""The history as one HTML file that loads nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment
from markupsafe import Markup, escape

from conformance.common import pages
from conformance.common.visible import shown
from conformance.report.assets import policy_and_script, style
from conformance.report.history import plots
from conformance.report.history.episodes import CheckHistory
from conformance.report.history.facts import RunFacts
from conformance.report.history.summary import State, Summary
from conformance.report.verdict import Verdict
from conformance.report.wording import plain, seconds, version_change

_EPISODES = 20
"""Of a check, the last ones: what a page of a year of a bad check can hold."""
_TITLES = {
    State.FAILING: "Failing",
    State.FLAKY: "Flaky",
    State.SLOWER: "Slower than before",
    State.STEADY: "Steady",
    State.NOT_RUN: "Not run in the last run",
}


def to_html(summary: Summary, reports_dir: Path, left_out: Sequence[str] = ()) -> str:
    """Return history.html, which belongs into ``reports_dir``: it links the reports there.

    ``left_out`` says which other runs are in the folder.
    """
    runs = summary.runs
    context = {
        "summary": summary,
        "sections": [(state, title, summary.of(state)) for state, title in _TITLES.items()],
        "failed_in": plots.failed_in(runs),
        "there": {run.folder for run in runs if _is_there(reports_dir, run)},
        "left_out": left_out,
        "episodes": _EPISODES,
        "style": style("report.css", "history.css"),
        **policy_and_script(),
    }
    return _environment().get_template("history.html.j2").render(context)


def _is_there(reports_dir: Path, run: RunFacts) -> bool:
    return bool(run.folder) and (reports_dir / run.folder / "report.html").exists()


@cache
def _environment() -> Environment:
    environment = pages.environment("conformance.report")
    environment.filters |= {
        "anchor": _anchor,
        "breakable": _breakable,
        "day": lambda run: f"{run.started_at:%Y-%m-%d}",
        "percent": _percent,
        "plain": plain,
        "seconds": seconds,
        "version_change": version_change,
        "counted": _counted,
    }
    environment.globals |= {"plots": plots}
    return environment


def _anchor(history: CheckHistory) -> str:
    return "check-" + hashlib.sha256("\0".join(history.key).encode()).hexdigest()[:12]


def _breakable(name: str) -> Markup:
    """Return a long name that is broken between its words."""
    return escape(shown(name)).replace("_", Markup("_<wbr>")).replace(".", Markup(".<wbr>"))


def _percent(share: float | None) -> str:
    """Return a share; 100 % is said only of all, 0 % only of none."""
    if share is None:
        return "never ran"
    if 0 < share < 1:
        return f"{min(max(100 * share, 0.1), 99.9):.1f} %"
    return f"{100 * share:.0f} %"


def _counted(run: RunFacts) -> str:
    found = dict.fromkeys(Verdict, 0)
    for check in run.checks:
        found[check.verdict] += 1
    return ", ".join(f"{count} {verdict.value}" for verdict, count in found.items() if count)
