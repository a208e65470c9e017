"""The result for programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.linter.levels import LEVELS
from conformance.linter.views import link

if TYPE_CHECKING:
    from conformance.linter.result import AppResult, CheckResult, ClusterRun, Finding, Result


def to_json(result: Result, folder: Path = Path()) -> str:
    """Return one JSON object, in ASCII: no terminal and no log can misread it.

    Paths of evidence are relative to ``folder``.
    """
    return json.dumps(as_data(result, folder), indent=1) + "\n"


def as_data(result: Result, folder: Path = Path()) -> dict[str, Any]:
    """Return the result in types that JSON has; docs/app-packages.md describes it."""
    return {
        "apps": [_app(app, folder) for app in result.apps],
        "levels": {str(level): sentence for level, sentence in LEVELS.items()},
        **({"cluster": _run(result.cluster, folder)} if result.cluster else {}),
    }


def _run(run: ClusterRun, folder: Path) -> dict[str, Any]:
    return {
        "report": link(run.page, folder) if run.page else None,
        "cluster": run.cluster,
        "seconds": run.seconds,
        "trouble": run.trouble,
        "errors": list(run.errors),
    }


def _app(app: AppResult, folder: Path) -> dict[str, Any]:
    on_cluster: dict[str, Any] = {}
    if app.checks or app.not_judged:
        on_cluster = {
            "checks": [_check(one, folder) for one in app.checks],
            "not_judged": {str(level): reason for level, reason in app.not_judged.items()},
        }
    return {
        "name": app.name,
        "root": app.root,
        "path": app.app.path,
        "detected": app.app.detected,
        "level": app.level,
        "findings": [_finding(finding, folder) for finding in app.findings],
        "not_run": [{"rule": rule.id, "reason": reason} for rule, reason in app.not_run],
        **({"remark": app.remark} if app.remark else {}),
        **on_cluster,
    }


def _check(result: CheckResult, folder: Path) -> dict[str, Any]:
    return {
        "check": result.check.id,
        "level": result.check.level,
        "promise": result.check.title,
        "verdict": result.verdict,
        "reason": result.reason,
        "seconds": result.seconds,
        "measured": list(result.measured),
        "evidence": _evidence(result, folder),
    }


def _evidence(result: CheckResult, folder: Path) -> list[dict[str, str]]:
    return [{"name": one.name, "path": link(one.path, folder)} for one in result.evidence]


def _finding(finding: Finding, folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = {
        "rule": finding.rule.id,
        "severity": finding.severity.value,
        "file": finding.place.file,
        "line": finding.place.line,
        "object": finding.place.object,
        "message": finding.message,
        "fix": finding.fix,
    }
    if finding.failed:
        found["evidence"] = _evidence(finding.failed, folder)
    if finding.known:
        found["known"] = True
    if finding.waiver:
        found["waived"] = {
            "reason": finding.waiver.reason,
            "until": finding.waiver.until.isoformat(),
        }
    return found
