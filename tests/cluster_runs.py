"""Runs on a cluster for the tests of ``app --cluster``: a report.json as the suite writes it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from report_samples import a_check, a_report

from conformance.linter.on_cluster.report import read_run
from conformance.linter.result import ClusterRun
from conformance.report.evidence import EvidenceBox
from conformance.report.results import CheckResult, Measurement
from conformance.report.verdict import Verdict

SEEN = "pod miniflux-0 was not Ready within 120 s\n  last status: CrashLoopBackOff"
FOLDER = "20261128T181500Z-k3f9ab"


def an_app_check(
    name: str,
    app: str = "notes",
    verdict: Verdict = Verdict.PASS,
    reason: str = "",
    level: int | None = 4,
    **more: object,
) -> tuple[CheckResult, int | None]:
    """Return a check's result on an app, and its level."""
    capability, _, short = name.partition(".")
    node_id = f"conformance/capabilities/{capability}/test_app.py::test_{short}[{app}]"
    values: dict[str, object] = {"id": name, "node_id": node_id, "app": app, "reason": reason}
    return a_check(capability, 1, verdict, **values, **more), level


def write_run(
    reports: Path, *checks: tuple[CheckResult, int | None], folder: str = FOLDER, **more: object
) -> Path:
    """Write the report of a run; return its folder."""
    found: dict[str, list[CheckResult]] = {}
    for check, _ in checks:
        found.setdefault(check.id.partition(".")[0], []).append(check)
    report: dict[str, Any] = a_report(found, **more).model_dump(mode="json", by_alias=True)
    levels = {check.node_id: level for check, level in checks}
    for capability in report["capabilities"]:
        for check in capability["checks"]:
            check["appLevel"] = levels[check["nodeId"]]
    target = reports / folder
    target.mkdir(parents=True, exist_ok=True)
    (target / "report.json").write_text(json.dumps(report))
    return target


def a_run(folder: Path, **more: object) -> ClusterRun:
    """Return a run on notes, which failed a check, and on wordpress, which passed all of them."""
    return read_run(write_run(folder, *some_checks(folder / FOLDER), **more))


class _Plain:
    def redact(self, text: str) -> str:
        return text


def some_checks(folder: Path) -> list[tuple[CheckResult, int | None]]:
    """Return one check of each verdict on notes, and two on wordpress that passed."""
    box = EvidenceBox(folder, "app_runs.survives_pod_deletion-notes", _Plain())
    box.attach("failure.txt", SEEN)
    box.attach("diagnostics/events.txt", "BackOff")
    failure = {"evidence": box.files()}
    measured = {
        "measurements": [
            Measurement(name="time to Ready", value=12.3),
            Measurement(name="time to Ready: CPU pressure", value=40, unit="%"),
        ]
    }
    return [
        an_app_check("app_runs.installed_by_flux", **measured),
        an_app_check(
            "app_runs.survives_pod_deletion",
            verdict=Verdict.FAIL,
            reason=f"{SEEN}\n  To do: look into its log",
            promise="The app serves again after each of its pods was deleted.",
            **failure,
        ),
        an_app_check(
            "app_runs.survives_node_kill",
            verdict=Verdict.NOT_RUN,
            reason="a cluster of the provider existing has no node to kill",
        ),
        an_app_check(
            "app_runs.override_reaches_app",
            verdict=Verdict.NOT_APPLICABLE,
            reason="it has no HelmRelease with an override",
        ),
        an_app_check("app_runs.installed_by_flux", "wordpress"),
        an_app_check("app_runs.survives_pod_deletion", "wordpress"),
        an_app_check("dashboard.lists_apps", "notes", level=None),
    ]
