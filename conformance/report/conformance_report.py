"""conformance-report.yaml: what a run found of a platform, on one page, to be handed in.

In the spirit of the Gateway API's ConformanceReport, whose words it has:
https://gateway-api.sigs.k8s.io/geps/gep-1709/
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Any, Literal

import yaml
from pydantic import Field

from conformance.report.base import Model
from conformance.report.level import Level
from conformance.report.model import RunReport
from conformance.report.platform import Features, Implementation, Whose
from conformance.report.results import Capability, CheckResult
from conformance.report.verdict import OverallVerdict, Verdict

FILE = "conformance-report.yaml"


class Result(enum.StrEnum):
    """What is known of many checks."""

    SUCCESS = "success"
    PARTIAL = "partial"
    FAILURE = "failure"


class Statistics(Model):
    """How many checks ended how. Those that do not apply are in none of these."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0


class Status(Model):
    """The checks of one level of a capability."""

    result: Result
    statistics: Statistics
    failed_checks: list[str] = Field(default_factory=list)
    skipped_checks: list[str] = Field(default_factory=list)
    """Not run, whatever the reason."""
    exempt_checks: list[str] = Field(default_factory=list)
    """Exempt by the platform: by id, which are skipped, too, or as it claims no such feature."""


class CapabilityStatus(Model):
    """What was found of one capability."""

    name: str
    summary: str
    core: Status | None = None
    """None: none of its checks is core."""
    extended: Status | None = None


class TestedCluster(Model):
    """The cluster that the platform was on."""

    provider: str
    kubernetes: str


class ConformanceReport(Model):
    """The whole of the file."""

    api_version: Literal["stackspin-conformance/v1"] = "stackspin-conformance/v1"
    kind: Literal["ConformanceReport"] = "ConformanceReport"
    date: str
    """When the run began, UTC."""
    implementation: Implementation
    platform: Whose
    origin: str = ""
    """Of a tree: repository, commit, and whether it had files that were not committed."""
    suite_version: str
    suite_commit: str
    run_id: str
    selection: list[str]
    """Paths, then options, that chose among the checks."""
    cluster: TestedCluster
    allowed: list[str]
    """What checks might touch: own (what they made), platform, node."""
    features: Features
    result: Result
    capabilities: list[CapabilityStatus]


_RESULTS = {
    OverallVerdict.PASS: Result.SUCCESS,
    OverallVerdict.PARTIAL: Result.PARTIAL,
    OverallVerdict.FAIL: Result.FAILURE,
}


def conformance_report(report: RunReport) -> ConformanceReport | None:
    """Return what is to be handed in of a run; None: it says nothing of a platform as a whole.

    Such are a run that was cut short, one on twins, and one of app packages (``--app``).
    """
    of_apps = any(one.startswith("--app ") for one in report.selection)
    whole = report.state == "complete" and report.mode == "checks" and not of_apps
    if not whole or report.platform is None or report.cluster is None:
        return None
    return ConformanceReport(
        date=report.started_at.isoformat().replace("+00:00", "Z"),
        implementation=report.platform.implementation,
        platform=report.platform.whose,
        origin=report.platform.origin,
        suite_version=report.suite_version,
        suite_commit=report.suite_commit,
        run_id=report.run_id,
        selection=report.selection,
        cluster=TestedCluster(
            provider=report.cluster.provider, kubernetes=report.cluster.kubernetes
        ),
        allowed=report.platform.allowed,
        features=report.platform.features,
        result=_RESULTS[report.verdict],
        capabilities=[_capability(one) for one in report.capabilities],
    )


def to_yaml(report: ConformanceReport) -> str:
    """Return the file's text: without what is empty."""
    document = _without_empty(report.model_dump(mode="json", by_alias=True))
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)


def _capability(capability: Capability) -> CapabilityStatus:
    core, extended = (
        _status([check for check in capability.checks if check.level is level]) for level in Level
    )
    said = [
        f"{name} checks {_said(status)}."
        for name, status in (("Core", core), ("Extended", extended))
        if status
    ]
    return CapabilityStatus(
        name=capability.id, summary=" ".join(said), core=core, extended=extended
    )


def _status(checks: list[CheckResult]) -> Status | None:
    if not checks:
        return None
    failed = _named(check for check in checks if check.verdict is Verdict.FAIL)
    skipped = _named(
        check for check in checks if check.verdict in (Verdict.NOT_RUN, Verdict.WAIVED)
    )
    passed = sum(check.verdict is Verdict.PASS for check in checks)
    result = Result.SUCCESS if passed and not skipped else Result.PARTIAL
    if failed:
        result = Result.FAILURE
    return Status(
        result=result,
        statistics=Statistics(passed=passed, failed=len(failed), skipped=len(skipped)),
        failed_checks=failed,
        skipped_checks=skipped,
        exempt_checks=_named(check for check in checks if check.exempt),
    )


def _named(checks: Iterable[CheckResult]) -> list[str]:
    return [f"{check.id}[{check.run}]" if check.run else check.id for check in checks]


def _said(status: Status) -> str:
    counted = status.statistics
    if counted.failed:
        return f"failed: {counted.failed}"
    if counted.skipped:
        return f"partially succeeded: {counted.skipped} skipped"
    return "succeeded" if counted.passed else "do not apply"


def _without_empty(value: Any) -> Any:  # noqa: ANN401 - YAML
    if isinstance(value, dict):
        kept = {key: _without_empty(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item not in (None, "", [], {})}
    if isinstance(value, list):
        return [_without_empty(item) for item in value]
    return value
