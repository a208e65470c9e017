"""The result as one HTML file that loads nothing, in the look of the suite's own report."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from jinja2 import Environment
from markupsafe import Markup

from conformance.common import pages
from conformance.linter.levels import HIGHEST, LEVELS
from conformance.linter.views import (
    counted,
    joined_path,
    level_name,
    levels_tally,
    reasons,
    rules_named,
    shown,
    tally,
    to_mend,
    where,
)

if TYPE_CHECKING:
    from conformance.linter.result import AppResult, Result
    from conformance.linter.rule import Rule

_SYMBOLS = {"error": "✗", "warning": "!", "note": "i", "waived": "~"}


def to_html(result: Result) -> str:
    """Return the page."""
    context: dict[str, Any] = {
        "result": result,
        "verdict": _verdict(result),
        "levels": LEVELS,
        "highest": HIGHEST,
        "tally": tally([finding for app in result.apps for finding in app.findings]),
        "rules": _violated(result),
        # The project's own, never data: they need no escaping.
        "style": Markup(_style()),  # noqa: S704
    }
    return _environment().get_template("app.html.j2").render(context)


def _verdict(result: Result) -> str:
    levels = [app.level for app in result.apps]
    if len(levels) == 1:
        return level_name(result.apps[0])
    return ", ".join(levels_tally(result.apps)) or "no level"


def _violated(result: Result) -> list[Rule]:
    """Return the rules that something violates, in the order of their levels."""
    found = {finding.rule.id: finding.rule for app in result.apps for finding in app.findings}
    return sorted(found.values(), key=lambda rule: (rule.level, rule.id))


def _colour(app: AppResult) -> str:
    """Return the class of a level's badge: bad, not sure, good."""
    if app.failed:
        return "fail"
    return "pass" if app.level == HIGHEST else "partial"


def _open(app: AppResult) -> bool:
    """Return whether there is more to say than the level."""
    return bool(app.findings or app.not_run or app.remark)


@cache
def _environment() -> Environment:
    environment = pages.environment("conformance.linter.views")
    environment.filters |= {
        "shown": shown,
        "reasons": reasons,
        "rules_named": rules_named,
        "tally": tally,
        "level_name": level_name,
        "colour": _colour,
        "to_mend": to_mend,
    }
    environment.tests["open"] = _open
    environment.globals |= {
        "symbols": _SYMBOLS,
        "where": where,
        "joined_path": joined_path,
        "counted": counted,
    }
    return environment


def _style() -> str:
    ours = resources.files(__package__).joinpath("templates", "app.css")
    report = resources.files("conformance.report").joinpath("templates", "report.css")
    return report.read_text(encoding="utf-8") + ours.read_text(encoding="utf-8")
