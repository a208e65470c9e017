"""The result as one HTML file that loads nothing, in the look of the suite's own report."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import resources
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from jinja2 import Environment
from markupsafe import Markup

from conformance.common import pages
from conformance.common.visible import shown
from conformance.linter.levels import HIGHEST, LEVELS, STATIC
from conformance.linter.rule import Rule
from conformance.linter.views import (
    colour,
    counted,
    first_rules,
    has_more,
    joined_path,
    level_name,
    levels_tally,
    link,
    not_judged,
    reasons,
    rules_named,
    same_cause,
    tally,
    to_mend,
    verdicts,
    where,
)

if TYPE_CHECKING:
    from conformance.linter.result import AppResult, CheckResult, Result

_SYMBOLS = {
    "error": "✗",
    "warning": "!",
    "note": "i",
    "waived": "~",
    "known": "=",
    "pass": "✓",
    "fail": "✗",
    "not run": "\N{EN DASH}",
    "not applicable": "○",
}
_BADGES = {"pass": "pass", "fail": "fail", "not run": "partial", "waived": "waived"}
"""Class of a verdict's badge; one that does not apply has no colour."""
_SHOWN_FILES = 6
"""Files of a failed check that are linked; more are in the run's report."""


def to_html(result: Result, folder: Path = Path()) -> str:
    """Return the page. Its links to the report of a run are relative to ``folder``."""
    context: dict[str, Any] = {
        "result": result,
        "verdict": _verdict(result),
        "levels": LEVELS,
        "static": STATIC,
        "highest": HIGHEST if result.cluster else STATIC,
        "link": _links(folder),
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
    rules = (finding.rule for app in result.apps for finding in app.findings)
    found = {rule.id: rule for rule in rules if isinstance(rule, Rule)}
    return sorted(found.values(), key=lambda rule: (rule.level, rule.id))


def _links(folder: Path) -> Callable[[Path], str]:
    def linked(path: Path) -> str:
        return link(path, folder)

    return linked


def _href(path: str) -> str:
    """Return a relative path as a link has it."""
    return quote(path, errors="surrogatepass")


def _not_run_tally(app: AppResult) -> str:
    """Return ``14 rules not run``; nothing if all were."""
    found = list({one.id: one for one, _ in app.not_run}.values())
    words = {word: sum(one.word == word for one in found) for word in ("rule", "check")}
    told = [counted(number, word) for word, number in words.items() if number]
    return f"{' and '.join(told)} not run" if told else ""


def _by_level(app: AppResult) -> list[tuple[int, list[list[CheckResult]]]]:
    """Return the checks on the cluster, level by level.

    Those that were not run for one reason, one after the other, are together.
    """
    found: dict[int, list[list[CheckResult]]] = {}
    for (level, _), checks in groupby(app.checks, _level_and_cause):
        found.setdefault(level, []).append(list(checks))
    return sorted(found.items())


def _level_and_cause(one: CheckResult) -> tuple[int, tuple[str, ...]]:
    apart = one.verdict in ("pass", "fail")
    return one.check.level, (one.check.id,) if apart else (one.verdict, one.reason)


def _took(one: CheckResult) -> str:
    """Return ``4.2 s``, and how long it took to prepare a check where that was long.

    The first check of a capability waits for the platform and the app that the others find there.
    """
    itself = f"{one.seconds - one.preparing:.1f} s"
    return f"{itself}, after {one.preparing:.0f} s of set-up" if one.preparing >= 1 else itself


def _step(level: int, app: AppResult) -> str:
    """Return a level's class: reached, not judged, the next, or above that."""
    reached = app.level or 0
    if level <= reached:
        return "reached"
    if level in app.not_judged:
        return "unknown"
    return "next" if level == reached + 1 else "above"


@cache
def _environment() -> Environment:
    environment = pages.environment("conformance.linter.views")
    environment.filters |= {
        "shown": shown,
        "reasons": reasons,
        "rules_named": rules_named,
        "first_rules": first_rules,
        "tally": tally,
        "level_name": level_name,
        "colour": colour,
        "to_mend": to_mend,
        "verdicts": verdicts,
        "href": _href,
        "same_cause": same_cause,
        "not_judged": not_judged,
        "not_run_tally": _not_run_tally,
        "by_level": _by_level,
        "took": _took,
    }
    environment.tests["open"] = has_more
    environment.globals |= {
        "symbols": _SYMBOLS,
        "badges": _BADGES,
        "few": _SHOWN_FILES,
        "step": _step,
        "where": where,
        "joined_path": joined_path,
        "counted": counted,
    }
    return environment


def _style() -> str:
    ours = resources.files(__package__).joinpath("templates", "app.css")
    report = resources.files("conformance.report").joinpath("templates", "report.css")
    return report.read_text(encoding="utf-8") + ours.read_text(encoding="utf-8")
