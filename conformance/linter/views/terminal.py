"""The result as text: for a terminal with colours and wrapped lines, for a file without."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.levels import HIGHEST, LEVELS
from conformance.linter.views import (
    counted,
    joined_path,
    level_name,
    levels_tally,
    reasons,
    rules_named,
    sentence,
    shown,
    tally,
    to_mend,
    where,
)
from conformance.linter.views.look import Look, Span

if TYPE_CHECKING:
    from conformance.linter.result import AppResult, Finding, Result

_MARGIN = 9
"""Columns of the words on the left: ``warning``, ``not run``."""
_NAMES = 24
"""Columns that the names of apps are brought to, so that what follows stands in one column."""


def to_terminal(result: Result, look: Look) -> str:
    """Return the report: the level first, then an app's findings, the most severe first."""
    width = max((len(shown(app.name)) for app in result.apps), default=0)
    text = ""
    told: set[int] = set()
    # Those that are well go first: what there is to do stands at the end, above the summary.
    for app in sorted(result.apps, key=_has_more):
        block = "\n".join(_app(app, look, min(width, _NAMES), told))
        if text and ("\n" in block or text.endswith("\n\n")):
            text = text.rstrip("\n") + "\n\n"
        text += block + ("\n\n" if "\n" in block else "\n")
    return text.rstrip("\n") + "\n\n" + "\n".join(_summary(result, look)) + "\n"


def _has_more(app: AppResult) -> bool:
    return bool(app.findings or app.not_run or app.remark)


def _line(look: Look, label: str, *spans: Span) -> str:
    """Return a line with a word in the margin, wrapped behind the margin."""
    margin = look.styled(label, label) + " " * (_MARGIN - len(label))
    return margin + look.wrapped(spans, _MARGIN)


def _app(app: AppResult, look: Look, width: int, told: set[int]) -> Iterator[str]:
    """Yield an app's lines; ``told`` are the levels whose sentence the reader has seen."""
    level, name = level_name(app), shown(app.name)
    about = f"{shown(joined_path(app.root, app.app.path))}: {shown(app.app.detected)}"
    if not _has_more(app):
        margin, names = " " * (_MARGIN - len(level)), f"{name:<{width}}  "
        about = look.styled(look.cut(about, _MARGIN + len(names)), "dim")
        yield look.styled(level, level) + margin + look.styled(names, "bold") + about
        return
    yield _line(look, level, (name, "bold"), (about, "dim"))
    if (app.findings or app.not_run) and app.level is not None and app.level not in told:
        told.add(app.level)
        yield _line(look, "", (LEVELS[app.level], "dim"))
    if app.remark:
        yield _line(look, "", (shown(app.remark), "dim"))
    fixes: set[tuple[str, str]] = set()
    for finding in app.findings:
        yield from _finding(finding, app, look, fixes)
    for reason, rules in reasons(app):
        yield _line(look, "not run", (f"{rules_named(rules)}: {shown(reason)}", ""))
    if mend := to_mend(app):
        yield _line(look, "next", (f"level {mend[0].level} needs {rules_named(mend)}", ""))


def _finding(
    finding: Finding, app: AppResult, look: Look, fixes: set[tuple[str, str]]
) -> Iterator[str]:
    """Yield the finding's line, and one with what to do; that is said once for several alike."""
    kind = "waived" if finding.waiver else finding.severity.value
    place = (shown(where(finding.place, app)), "place")
    rule = (finding.rule.id, "dim")
    yield _line(look, kind, place, (shown(sentence(finding)), ""), rule)
    if finding.waiver:
        until = f"until {finding.waiver.until}: {shown(finding.waiver.reason)}"
        if finding.rule.core:
            until += f" (the level stays below {finding.rule.level})"
        yield _line(look, "", (until, "until"))
    elif (finding.rule.id, finding.fix) not in fixes:
        fixes.add((finding.rule.id, finding.fix))
        yield _line(look, "", (f"fix: {shown(finding.fix)}", "fix"))


def _summary(result: Result, look: Look) -> Iterator[str]:
    findings = [finding for app in result.apps for finding in app.findings]
    levels = ", ".join(levels_tally(result.apps)) if len(result.apps) > 1 else ""
    found = ", ".join(tally(findings)) or "no findings"
    if not findings and all(app.level == HIGHEST for app in result.apps):
        found = "all is well"
    text = f"{counted(len(result.apps), 'app')}: {'; '.join(filter(None, (levels, found)))}"
    style = "error" if result.failed else "level 3"
    yield look.wrapped([(text, style), (f"({result.seconds:.1f} s)", "dim")], 0)
    if any(app.level is None for app in result.apps):
        only = f"Only {rules_named(result.rules)} ran, so the app has no level."
        yield look.wrapped([(only, "")], 0)
    for waiver in result.unused:
        text = f"The waiver of {waiver.rule} is not needed (any more): remove it."
        yield look.wrapped([(text, "warning")], 0)
    if first := next((one for one in findings if not one.waiver), None):
        hint = f"Why, and a correct example: stackspin-conformance app --explain {first.rule.id}"
        yield look.wrapped([(hint, "dim")], 0)
