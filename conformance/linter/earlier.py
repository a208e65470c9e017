"""An earlier result: which findings are known, and what level each app had."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from conformance.common.errors import HarnessError
from conformance.common.given_files import parse_json, read_text
from conformance.linter.access import get, sequence, text
from conformance.linter.identity import identity, identity_of
from conformance.linter.levels import STATIC
from conformance.linter.result import AppResult, Finding, Result

_HOW = "write one with --format json --output FILE"


@dataclass(frozen=True)
class EarlierFinding:
    """What an earlier result said."""

    rule: str
    severity: str
    place: str
    """File and line."""
    message: str


@dataclass(frozen=True)
class EarlierApp:
    """What an earlier result said of an app."""

    level: int | None
    found: Mapping[str, EarlierFinding]
    """By ``identity``."""
    not_run: frozenset[str]
    """Rules."""


Earlier = Mapping[str, EarlierApp]
"""By the app's name; of apps with the same name, what was said of any of them."""


def read_earlier(path: Path) -> Earlier:
    """Return what ``--format json`` has written. Raises HarnessError."""
    try:
        data = parse_json(read_text(path))
    except OSError as error:
        raise HarnessError(f"--baseline: {path} cannot be read: {error.strerror}", _HOW) from None
    except ValueError:
        data = None
    if isinstance(data, Mapping) and "apps" in data:
        return earlier_of(data)
    raise HarnessError(f"--baseline: {path} is not a result of this command", _HOW)


def earlier_of(data: Mapping[str, Any]) -> Earlier:
    """Return what is in a result's JSON."""
    found: dict[str, EarlierApp] = {}
    for app in sequence(data.get("apps")):
        name, level = text(get(app, "name")), get(app, "level")
        before = found.get(name, EarlierApp(None, {}, frozenset()))
        findings = {}
        for one in sequence(get(app, "findings")):
            rule, file, message = (text(get(one, key)) for key in ("rule", "file", "message"))
            key = identity_of(rule, name, file, text(get(one, "object")), message)
            place = f"{file}:{get(one, 'line')}" if get(one, "line") else file
            findings[key] = EarlierFinding(rule, text(get(one, "severity")), place, message)
        not_run = {text(get(one, "rule")) for one in sequence(get(app, "not_run"))}
        found[name] = EarlierApp(
            level if isinstance(level, int) else before.level,
            {**before.found, **findings},
            before.not_run | not_run,
        )
    return found


def with_known(result: Result, earlier: Earlier) -> Result:
    """Return a result in which the findings of an earlier one are marked."""

    def marked(finding: Finding, app: AppResult) -> Finding:
        before = earlier.get(app.name)
        known = before is not None and identity(finding, app.name) in before.found
        return replace(finding, known=known)

    apps = (
        replace(app, findings=tuple(marked(one, app) for one in app.findings))
        for app in result.apps
    )
    return replace(result, apps=tuple(apps))


def lowered(app: AppResult, earlier: Earlier, level: int) -> bool:
    """Return whether an app is below ``level`` for a reason that the earlier result had not."""
    before = earlier.get(app.name)
    if app.level is not None and app.level >= level:
        return False
    if before is None or app.level is None:
        return True
    new = any(one.fails and one.rule.level <= level for one in app.findings)
    had = STATIC if before.level is None else before.level
    return (
        new
        or app.level < min(had, level)
        or any(rule.level <= level and rule.id not in before.not_run for rule, _ in app.not_run)
    )
