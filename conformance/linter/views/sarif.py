"""The result for code scanning: findings at their lines, in GitHub and in editors.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from conformance.common.installation import DISTRIBUTION, version
from conformance.common.visible import shown
from conformance.linter.findings import Severity
from conformance.linter.identity import identity
from conformance.linter.rule import Rule
from conformance.linter.views import joined_path, sentence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.linter.result import AppResult, Finding, Result
    from conformance.linter.rule import Requirement

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}


def to_sarif(result: Result) -> str:
    """Return one SARIF log, in ASCII. Paths are relative to where the command ran."""
    found = {one.rule.id: one.rule for app in result.apps for one in app.findings}
    requirements: dict[str, Requirement] = {rule.id: rule for rule in result.rules}
    rules = list({**requirements, **found}.values())
    index = {rule.id: number for number, rule in enumerate(rules)}
    run = {
        "tool": {
            "driver": {
                "name": DISTRIBUTION,
                "version": version(),
                "rules": [_rule(rule) for rule in rules],
            }
        },
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": list(_not_run(result)),
            }
        ],
        "columnKind": "utf16CodeUnits",
        "results": [
            _result(finding, app, index[finding.rule.id])
            for app in result.apps
            for finding in app.findings
        ],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1) + "\n"


def _rule(rule: Requirement) -> dict[str, Any]:
    about: dict[str, Any] = {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {"level": rule.level, "tags": [rule.id.partition(".")[0]]},
    }
    if isinstance(rule, Rule):
        about["fullDescription"] = {"text": rule.prose.why}
        about["help"] = {"text": f"{rule.prose.why}\n\n{rule.prose.fix}"}
        if rule.prose.source.startswith("https://"):
            about["helpUri"] = rule.prose.source
    return about


def _result(finding: Finding, app: AppResult, index: int) -> dict[str, Any]:
    message = f"{sentence(finding)}\n{finding.fix}" if finding.fix else sentence(finding)
    found: dict[str, Any] = {
        "ruleId": finding.rule.id,
        "ruleIndex": index,
        "level": _LEVELS[finding.severity],
        "message": {"text": "\n".join(map(shown, message.split("\n")))},
        "locations": [_location(finding, app)],
        "partialFingerprints": {"stackspinFinding/v1": identity(finding, app.name)},
        "properties": {"app": shown(app.name), "level": finding.rule.level},
    }
    if finding.known:
        found["baselineState"] = "unchanged"
    if finding.waiver:
        why = f"{finding.waiver.reason} (until {finding.waiver.until})"
        found["suppressions"] = [{"kind": "external", "justification": shown(why)}]
    return found


def _location(finding: Finding, app: AppResult) -> dict[str, Any]:
    place: dict[str, Any] = {
        "artifactLocation": {"uri": _uri(joined_path(app.root, finding.place.file or app.app.path))}
    }
    if finding.place.line:
        place["region"] = {"startLine": finding.place.line}
    found: dict[str, Any] = {"physicalLocation": place}
    if finding.place.object:
        name = shown(finding.place.object)
        found["logicalLocations"] = [{"fullyQualifiedName": name, "kind": "resource"}]
    return found


def _uri(path: str) -> str:
    """Return a path as a reference: relative to the working directory, if it is inside."""
    file, here = Path(path), Path.cwd()
    if file.is_absolute() and file.is_relative_to(here):
        file = file.relative_to(here)
    text = file.as_posix()
    encoded = quote(text.encode("utf-8", "backslashreplace"))
    return f"file://{encoded}" if file.is_absolute() else encoded


def _not_run(result: Result) -> Iterator[dict[str, Any]]:
    for app in result.apps:
        for rule, reason in app.not_run:
            text = f"{app.name}: {rule.id} was not run: {reason}"
            yield {"level": "note", "message": {"text": shown(text)}}
