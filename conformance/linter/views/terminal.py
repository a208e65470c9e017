"""The result as text: for a terminal with colours and wrapped lines, for a file without."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING

from conformance.common.visible import shown
from conformance.linter.levels import LEVELS
from conformance.linter.views import (
    cause,
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
    sentence,
    tally,
    to_mend,
    verdicts,
    where,
)
from conformance.linter.views.look import Look, Span

if TYPE_CHECKING:
    from conformance.linter.result import AppResult, CheckResult, Finding, Result
    from conformance.linter.rule import Requirement

_MARGIN = 9
"""Columns of the words on the left: ``warning``, ``not run``."""
_NAMES = 24
"""Columns that the names of apps are brought to, so that what follows stands in one column."""
_LINES = 6
"""Lines of what a check saw that are shown: its report has all."""
_ERROR = 300
"""Characters of an error outside the checks, which may have a traceback."""


def to_terminal(result: Result, look: Look, *, final: bool = True) -> str:
    """Return the report: the level first, then an app's findings, the most severe first.

    If it is not ``final``, the checks on a cluster are still to come.
    """
    width = max((len(shown(app.name)) for app in result.apps), default=0)
    text = ""
    told: set[int] = set()
    causes: dict[Hashable, str] = {}
    # Those that are well go first: what there is to do stands at the end, above the summary.
    for app in sorted(result.apps, key=has_more):
        block = "\n".join(_app(app, look, min(width, _NAMES), told, causes))
        if text and ("\n" in block or text.endswith("\n\n")):
            text = text.rstrip("\n") + "\n\n"
        text += block + ("\n\n" if "\n" in block else "\n")
    return text.rstrip("\n") + "\n\n" + "\n".join(_summary(result, look, final)) + "\n"


def _line(look: Look, label: str, *spans: Span, style: str = "") -> str:
    """Return a line with a word in the margin, wrapped behind the margin."""
    margin = look.styled(label, style or label) + " " * (_MARGIN - len(label))
    return margin + look.wrapped(spans, _MARGIN)


def _app(
    app: AppResult, look: Look, width: int, told: set[int], causes: dict[Hashable, str]
) -> Iterator[str]:
    """Yield an app's lines.

    ``told`` are the levels whose sentence the reader has seen; ``causes`` the findings, with the
    app that they were told of.
    """
    level, name = level_name(app), shown(app.name)
    about = f"{shown(joined_path(app.root, app.app.path))}: {shown(app.app.detected)}"
    style = _level_style(app)
    if not has_more(app):
        margin, names = " " * (_MARGIN - len(level)), f"{name:<{width}}  "
        about = look.styled(look.cut(about, _MARGIN + len(names)), "dim")
        yield look.styled(level, style) + margin + look.styled(names, "bold") + about
        return
    yield _line(look, level, (name, "bold"), (about, "dim"), style=style)
    more = app.findings or app.not_run or app.checks or app.not_judged
    if more and app.level is not None and app.level not in told:
        told.add(app.level)
        yield _line(look, "", (LEVELS[app.level], "dim"))
    if app.remark:
        yield _line(look, "", (shown(app.remark), "dim"))
    fixes: set[tuple[str, str]] = set()
    repeated = same_cause(app)
    before: dict[tuple[str, str], list[Requirement]] = {}
    for finding in app.findings:
        other = causes.setdefault(cause(finding, app), name)
        if other != name:
            before.setdefault((finding.kind, other), []).append(finding.rule)
        elif finding not in repeated:
            yield from _finding(finding, app, look, fixes)
    for (kind, other), rules in before.items():
        once = list(dict.fromkeys(rules))
        yield _line(look, kind, (f"as told above for {other}: {rules_named(once)}", ""))
    if repeated:
        others = rules_named([one.rule for one in repeated])
        yield _line(look, "error", (f"for a cause that is told above: {others}", ""))
    for reason, rules in reasons(app):
        yield _line(look, "not run", (f"{rules_named(rules)}: {shown(reason)}", ""))
    if app.checks:
        yield _line(look, "cluster", (shown(", ".join(verdicts(app))), "passed"))
    for levels, reason in not_judged(app):
        yield _line(look, "", (f"{levels} not judged: {shown(reason)}", ""))
    if mend := to_mend(app):
        yield _line(look, "next", (f"level {mend[0].level} needs {first_rules(mend)}", ""))


def _level_style(app: AppResult) -> str:
    if app.level is None:
        return "bold"
    return "pass" if app.level == app.highest else "partial" if app.level else "fail"


def _finding(
    finding: Finding, app: AppResult, look: Look, fixes: set[tuple[str, str]]
) -> Iterator[str]:
    """Yield the finding's line, and one with what to do; that is said once for several alike."""
    if finding.failed:
        yield from _failed(finding, finding.failed, look)
        return
    kind = finding.kind
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


def _failed(finding: Finding, failed: CheckResult, look: Look) -> Iterator[str]:
    """Yield what a check on the cluster promised, what it saw, and where there is more."""
    kind = finding.severity.value
    yield _line(look, kind, (shown(failed.check.title), ""), (failed.check.id, "dim"))
    lines = [line.strip() for line in failed.reason.splitlines() if line.strip()]
    for number, line in enumerate(lines[:_LINES]):
        yield _line(look, "", (f"{'' if number else 'seen: '}{shown(line)}", ""))
    if len(lines) > _LINES:
        yield _line(look, "", (f"... and {counted(len(lines) - _LINES, 'more line')}", "dim"))
    if finding.fix:
        yield _line(look, "", (f"fix: {shown(finding.fix)}", "fix"))
    for one in failed.evidence[:1]:
        more = len(failed.evidence) - 1
        others = f"and {counted(more, 'more file')}" if more else ""
        yield _line(look, "", (shown(link(one.path, Path())), "place"), (others, "dim"))


def _summary(result: Result, look: Look, final: bool) -> Iterator[str]:
    findings = [finding for app in result.apps for finding in app.findings]
    levels = ", ".join(levels_tally(result.apps)) if len(result.apps) > 1 else ""
    found = ", ".join(tally(findings)) or "no findings"
    if not findings and all(app.level == app.highest for app in result.apps):
        found = "all is well"
    text = f"{counted(len(result.apps), 'app')}: {'; '.join(filter(None, (levels, found)))}"
    style = "fail" if result.failed else "pass"
    took = f"{result.seconds:.1f} s"
    if result.cluster and result.cluster.folder:
        took += f", and {result.cluster.seconds:.0f} s on the cluster"
    yield look.wrapped([(text, style), (f"({took})", "dim")], 0)
    if final:
        if any(one.chart is None for app in result.apps for one in app.app.releases):
            hint = (
                "Charts from elsewhere are judged with --fetch, or if conformance.yaml names them"
            )
            yield look.wrapped([(hint, "dim")], 0)
        yield from _on_cluster(result, look)
    if any(app.level is None for app in result.apps):
        only = f"Only {rules_named(result.rules)} ran, so the app has no level."
        yield look.wrapped([(only, "")], 0)
    for waiver in result.unused:
        text = f"The waiver of {waiver.rule} is not needed (any more): remove it."
        yield look.wrapped([(text, "warning")], 0)
    if first := next((one for one in findings if not one.waiver), None):
        more = "What it promises" if first.failed else "Why, and a correct example"
        hint = f"{more}: stackspin-conformance app --explain {first.rule.id}"
        yield look.wrapped([(hint, "dim")], 0)
    if not final:
        yield ""
        yield look.styled("Now the checks on a cluster; Ctrl-C ends them.", "bold")


def _on_cluster(result: Result, look: Look) -> Iterator[str]:
    """Yield what there is to know of the run, or how to have one."""
    run = result.cluster
    if run is None:
        if any(app.level for app in result.apps):
            hint = "Levels 4 to 6 say whether it runs on Stackspin: add --cluster"
            yield look.wrapped([(hint, "dim")], 0)
        return
    if run.trouble:
        yield look.wrapped([(f"The run on the cluster: {shown(run.trouble)}.", "warning")], 0)
    for error in run.errors:
        text = f"Outside the checks: {shown(shorten(error, _ERROR, placeholder=' ...'))}"
        yield look.wrapped([(text, "error")], 0)
    if run.page:
        yield look.wrapped([(f"Report of the checks: {shown(link(run.page, Path()))}", "bold")], 0)
