"""The result as one comment for a merge request: levels before and after, what is new, mended."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from conformance.common.visible import shown
from conformance.linter.findings import Severity
from conformance.linter.identity import identity
from conformance.linter.views import (
    cause,
    counted,
    reasons,
    rules_named,
    sentence,
    tally,
    where,
)

if TYPE_CHECKING:
    from conformance.linter.earlier import Earlier, EarlierFinding
    from conformance.linter.result import AppResult, Finding, Result

_MARKUP = re.compile(r"[&<>`*_\[\]|~#!\\@{}]|:(?=//|[\w+-]+:)")
"""Also what mentions people or issues, and what is made a link or an emoji."""
_MOST = 40
"""Lines of a section: a comment may have 65536 characters on GitHub."""
_LONGEST = 400
"""Characters of a message."""
_SIGNS = {Severity.ERROR.value: "❌", Severity.WARNING.value: "⚠️", Severity.NOTE.value: "📝"}


def to_markdown(result: Result, earlier: Earlier | None = None, *, passed: bool = True) -> str:
    """Return GitHub's and GitLab's Markdown; with an earlier result, what has changed since.

    ``passed`` is whether the command's exit status will be 0.
    """
    blocks = [f"### {'✅' if passed else '❌'} Stackspin packages: {_summary(result)}"]
    if result.apps:
        blocks.append("\n".join(_levels(result, earlier)))
    found = [(finding, app) for app in result.apps for finding in app.findings]
    if earlier is None:
        blocks += _section("Findings", list(_lines(found)), folded=False)
    else:
        new = [one for one in found if not _was_there(*one, earlier)]
        blocks += _section("New findings", list(_lines(new)), folded=False)
        blocks += _section("Mended", list(_mended(result, earlier)), folded=False)
        known = [one for one in found if _was_there(*one, earlier)]
        blocks += _section("Known findings", list(_lines(known)), folded=True)
    missing = [
        f"- {_code(app.name)}: {rules_named(rules)}: {_plain(reason)}"
        for app in result.apps
        for reason, rules in reasons(app)
    ]
    blocks += _section("Not run", missing, folded=True)
    rules = {finding.rule.id for finding, _ in found}
    if rules:
        first = found[0][0].rule.id
        blocks.append(f"Why, and an example: `stackspin-conformance app --explain {first}`")
    return "\n\n".join(blocks) + "\n"


def _summary(result: Result) -> str:
    findings = [one for app in result.apps for one in app.findings]
    return f"{counted(len(result.apps), 'app')}, {', '.join(tally(findings)) or 'no findings'}"


def _levels(result: Result, earlier: Earlier | None) -> Iterator[str]:
    yield "| App | Level | Findings |" if earlier is None else "| App | Before | Now | Findings |"
    yield "|---|---|---|" if earlier is None else "|---|---|---|---|"
    for app in result.apps:
        now = "-" if app.level is None else str(app.level)
        found = ", ".join(tally(app.findings)) or "none"
        if earlier is None:
            yield f"| {_code(app.name)} | {now} | {found} |"
            continue
        before = earlier.get(app.name)
        level = before.level if before else None
        was = "new" if before is None else "-" if level is None else str(level)
        arrow = ""
        if level is not None and app.level is not None and level != app.level:
            arrow = " ⬆️" if app.level > level else " ⬇️"
        yield f"| {_code(app.name)} | {was} | {now}{arrow} | {found} |"


def _was_there(finding: Finding, app: AppResult, earlier: Earlier) -> bool:
    before = earlier.get(app.name)
    return before is not None and identity(finding, app.name) in before.found


def _mended(result: Result, earlier: Earlier) -> Iterator[str]:
    """Yield what the earlier result said of these apps and this one does not, each cause once.

    A rule that was not run this time has not said that anything is mended.
    """
    causes: dict[EarlierFinding, list[str]] = {}
    for name in dict.fromkeys(app.name for app in result.apps):
        same = [app for app in result.apps if app.name == name]
        now = {identity(one, name) for app in same for one in app.findings}
        not_run = {rule.id for app in same for rule, _ in app.not_run}
        before = earlier.get(name)
        for key, one in before.found.items() if before else ():
            if key not in now and one.rule not in not_run:
                causes.setdefault(one, []).append(name)
    for one, names in causes.items():
        apps = ", ".join(map(_code, names))
        yield f"- ✅ {apps} {_code(one.place)}: {_plain(one.message)} {_code(one.rule)}"


def _section(title: str, lines: Sequence[str], *, folded: bool) -> Iterable[str]:
    if not lines:
        return
    more = len(lines) - _MOST
    text = "\n".join([*lines[:_MOST], *([f"- and {more} more"] if more > 0 else [])])
    if folded:
        yield f"<details><summary>{title} ({len(lines)})</summary>\n\n{text}\n\n</details>"
    else:
        yield f"#### {title}\n\n{text}"


def _lines(found: Iterable[tuple[Finding, AppResult]]) -> Iterator[str]:
    """Yield a line for each cause, with all apps that have it."""
    causes: dict[Hashable, list[tuple[Finding, AppResult]]] = {}
    for finding, app in found:
        causes.setdefault(cause(finding, app), []).append((finding, app))
    for same in causes.values():
        finding, app = same[0]
        yield _line(finding, app, list(dict.fromkeys(one.name for _, one in same)))


def _line(finding: Finding, app: AppResult, names: Sequence[str]) -> str:
    apps = ", ".join(map(_code, names))
    sign = _SIGNS[finding.severity.value]
    kind = "" if finding.kind == finding.severity.value else f" ({finding.kind})"
    place = _code(where(finding.place, app))
    message = _plain(sentence(finding))
    fix = f"<br>{_plain(finding.fix)}" if finding.fix and finding.kind != "waived" else ""
    return f"- {sign} {apps} {place}: {message}{kind} `{finding.rule.id}`{fix}"


def _plain(text: str) -> str:
    """Return a text in which nothing is mark-up, a mention or a link."""
    text = shown(text)
    short = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    return _MARKUP.sub(lambda match: f"&#{ord(match.group())};", short)


def _code(text: str) -> str:
    return f"<code>{_plain(text)}</code>"
