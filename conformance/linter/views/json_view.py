"""The result for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from conformance.linter.levels import LEVELS

if TYPE_CHECKING:
    from conformance.linter.result import AppResult, Finding, Result


def to_json(result: Result) -> str:
    """Return one JSON object, in ASCII: no terminal and no log can misread it."""
    return json.dumps(as_data(result), indent=1) + "\n"


def as_data(result: Result) -> dict[str, Any]:
    """Return the result in types that JSON has; docs/app-packages.md describes it."""
    return {
        "apps": [_app(app) for app in result.apps],
        "levels": {str(level): sentence for level, sentence in LEVELS.items()},
    }


def _app(app: AppResult) -> dict[str, Any]:
    return {
        "name": app.name,
        "root": app.root,
        "path": app.app.path,
        "detected": app.app.detected,
        "level": app.level,
        "findings": [_finding(finding) for finding in app.findings],
        "not_run": [{"rule": rule.id, "reason": reason} for rule, reason in app.not_run],
        **({"remark": app.remark} if app.remark else {}),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    found: dict[str, Any] = {
        "rule": finding.rule.id,
        "severity": finding.severity.value,
        "file": finding.place.file,
        "line": finding.place.line,
        "object": finding.place.object,
        "message": finding.message,
        "fix": finding.fix,
    }
    if finding.waiver:
        found["waived"] = {
            "reason": finding.waiver.reason,
            "until": finding.waiver.until.isoformat(),
        }
    return found
