"""Hand-made results of the package linter, for tests of what is done with them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from conformance.linter.app import AppPackage
from conformance.linter.findings import NotRun, Place, Problem, Severity
from conformance.linter.levels import level_of
from conformance.linter.result import AppResult, Finding, Result
from conformance.linter.rule import Prose, Rule
from conformance.linter.waivers import Waiver

HOSTILE = (
    "[red]<script>alert(1)</script> & \x1b[31m\x1b]0;x\x07 \u202eevil\u2066 {{ 7*7 }} \ud800\n"
)
"""Mark-up, a terminal's sequences, text that runs backwards, half a character, a line's end."""


def a_rule(
    name: str = "backup.claim-label",
    level: int = 3,
    severity: Severity = Severity.ERROR,
    said: Iterable[Problem | NotRun] = (),
) -> Rule:
    """Return a rule that says the same of each app."""
    prose = Prose(
        "A claim carries the label of its backup set",
        "Velero backs up what carries the label; other volumes are silently left out.",
        "https://velero.io/docs/main/file-system-backup/",
        "Add the label stackspin.net/backupSet with the app's name to the claim.",
        "metadata:\n  labels:\n    stackspin.net/backupSet: notes  # the app's name",
    )
    return Rule(name, level, severity, lambda _: iter(said), lambda: prose)


def an_app(name: str = "notes", path: str = "charts/notes", detected: str = "") -> AppPackage:
    """Return an app without any content."""
    return AppPackage(name, path, detected or f"Helm chart {name}")


def a_finding(
    rule: Rule | None = None,
    message: str = "claim notes has no label stackspin.net/backupSet: its data is not backed up",
    place: Place = Place("charts/notes/templates/pvc.yaml", 7, "PersistentVolumeClaim notes"),  # noqa: B008
    waiver: Waiver | None = None,
    fix: str = "",
) -> Finding:
    """Return a finding."""
    rule = rule or a_rule()
    return Finding(rule, place, message, fix or rule.prose.fix, waiver)


def a_waiver(rule: str = "backup.claim-label", reason: str = "cache only") -> Waiver:
    """Return a waiver."""
    return Waiver(rule, reason, date(2027, 1, 31))


def an_app_result(
    *findings: Finding,
    app: AppPackage | None = None,
    not_run: Iterable[tuple[Rule, str]] = (),
    claimed: bool = True,
    root: str = "packages",
    remark: str = "",
) -> AppResult:
    """Return an app's result, with the level that comes of it."""
    holding = [one.rule for one in findings if one.rule.core] + [rule for rule, _ in not_run]
    level = level_of(holding) if claimed else None
    return AppResult(app or an_app(), root, findings, tuple(not_run), level, remark)


def a_result(*apps: AppResult, rules: Iterable[Rule] = (), unused: Iterable[Waiver] = ()) -> Result:
    """Return a run's result; its rules are those of the findings, unless given."""
    found = {one.rule.id: one.rule for app in apps for one in app.findings}
    found |= {rule.id: rule for app in apps for rule, _ in app.not_run}
    chosen = tuple(rules) or tuple(found.values()) or (a_rule(),)
    return Result(("packages",), apps, chosen, 0.42, tuple(unused))
