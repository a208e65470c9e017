"""What the checks on a cluster add to the linter's result: findings, and levels 4 to 6."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import takewhile

from conformance.linter.findings import Place, Severity
from conformance.linter.levels import HIGHEST, STATIC, level_of
from conformance.linter.on_cluster.promises import Promise
from conformance.linter.result import AppResult, CheckResult, ClusterRun, Finding, Result, rank

_ABOVE = range(STATIC + 1, HIGHEST + 1)
_MESSAGE = 1000
"""Characters of what was seen that a message has; the evidence has all of it."""
_TO_DO = "To do:"
"""What begins the line of a reason that says how to fix it, as in a HarnessError."""
_COMPARED = re.compile(r"\n\s*assert [^\n]*((\n\s*\+ )[^\n]*)*\Z")
"""What pytest adds to an assertion's own words: the values in the suite's source."""
_NOT_APPLICABLE = "not applicable"
_JUDGED = ("pass", _NOT_APPLICABLE, "fail")
_NO_CHECKS = "no checks yet"
_NONE_APPLIES = "none of its checks applies to this app"
_SAME_NAME = "another app here has this name"
SAME_NAME = Promise(
    "package.own-name",
    STATIC + 1,
    Severity.ERROR,
    "No two apps of a run have the same name.",
    "conformance/linter/on_cluster/merge.py",
)
"""What the run itself needs; on one cluster, such apps would replace one another."""


def merged(result: Result, run: ClusterRun) -> Result:
    """Return the linter's result with what the run found out about each app."""
    shared = names_shared(result)
    with_checks = {one.check.level for one in run.checks}
    # What no run can tell yet costs nobody anything: an app is well at the highest level there is.
    highest = max(takewhile(with_checks.__contains__, _ABOVE), default=HIGHEST)
    apps = (
        app if app.app.rest else _app(app, run, shared.get(app.name, ()), highest)
        for app in result.apps
    )
    return replace(result, apps=tuple(apps), cluster=run)


def names_shared(result: Result) -> Mapping[str, Sequence[AppResult]]:
    """Return the apps that have the same name as others, by that name."""
    named: dict[str, list[AppResult]] = {}
    for app in result.apps:
        if not app.app.rest:
            named.setdefault(app.name, []).append(app)
    return {name: apps for name, apps in named.items() if len(apps) > 1}


def _app(
    app: AppResult, run: ClusterRun, name_is_shared: Sequence[AppResult], highest: int
) -> AppResult:
    checks = () if name_is_shared else tuple(one for one in run.checks if one.app == app.name)
    levels = {one.check.level for one in checks}
    applying = {one.check.level for one in checks if one.verdict != _NOT_APPLICABLE}
    # What an app cannot have by its nature costs no level, and gives none.
    top = max(applying, default=STATIC) if checks else highest
    not_judged = {
        level: _SAME_NAME if name_is_shared else _why_not_judged(level, run)
        for level in _ABOVE
        if level not in levels
    } | {
        level: _why_none_applies(one for one in checks if one.check.level == level)
        for level in sorted(levels)
        if level > top
    }
    failures = [_finding(one) for one in checks if one.verdict == "fail"]
    if name_is_shared:
        failures.append(_same_name(app, name_is_shared))
    findings = sorted([*app.findings, *failures], key=rank)
    # Whatever is neither good nor bad: a verdict that is not known yet must not raise a level.
    not_run = [(one.check, _reason(one)) for one in checks if one.verdict not in _JUDGED]
    holding = [one.rule for one in findings if one.rule.core]
    holding += [one for one, _ in (*app.not_run, *not_run)]
    return replace(
        app,
        findings=tuple(findings),
        not_run=(*app.not_run, *not_run),
        level=level_of(holding, min(not_judged, default=HIGHEST + 1) - 1),
        checks=checks,
        not_judged=not_judged,
        highest=min(highest, top),
    )


def _why_not_judged(level: int, run: ClusterRun) -> str:
    if any(one.check.level == level for one in run.checks):
        return "the run has no check of this level on this app"
    return _NO_CHECKS if run.checks else run.trouble or "the run has no check on any app"


def _why_none_applies(checks: Iterable[CheckResult]) -> str:
    """Return what the app lacks, as in ``the app has no data: its pages are in its values``."""
    reasons = {one.reason.partition("\n")[0].strip() for one in checks}
    return reasons.pop() if len(reasons) == 1 and all(reasons) else _NONE_APPLIES


def _same_name(app: AppResult, apps: Sequence[AppResult]) -> Finding:
    others = [posixpath.normpath(f"{one.root}/{one.app.path}") for one in apps if one is not app]
    return Finding(
        SAME_NAME,
        Place(),
        f"{app.name} is also the name of {' and '.join(others)}: none of them was run",
        "Give each a name of its own, or have one run for each: give the command the PATH of one.",
    )


def _finding(failed: CheckResult) -> Finding:
    seen, fix = _seen(failed.reason)
    told = " ".join(seen.split()) or "the check failed"
    if len(told) > _MESSAGE:
        told = f"{told[: _MESSAGE - 1]}…"
    return Finding(
        failed.check,
        Place(),
        f"{failed.check.title} Seen: {told}",
        fix,
        failed=replace(failed, reason=seen),
    )


def _seen(reason: str) -> tuple[str, str]:
    """Return what was seen, and what to do where the reason says it."""
    lines = _COMPARED.sub("", reason).splitlines()
    fixes = [line.strip() for line in lines if line.strip().startswith(_TO_DO)]
    seen = [line for line in lines if not line.strip().startswith(_TO_DO)]
    return "\n".join(seen), " ".join(fix.removeprefix(_TO_DO).strip() for fix in fixes)


def _reason(result: CheckResult) -> str:
    seen, fix = _seen(result.reason)
    why = seen.partition("\n")[0].strip() or "the run does not say why"
    verdict = "" if result.verdict == "not run" else f"{result.verdict}: "
    return f"{verdict}{why}{f' ({_TO_DO.lower()} {fix})' if fix else ''}"
