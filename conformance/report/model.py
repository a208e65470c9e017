"""The result of a run. ``report.json`` is this model; JUnit and HTML are views of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field, computed_field, model_validator

from conformance.report.base import Model
from conformance.report.changes import Comparison
from conformance.report.environment import (
    ClusterInfo,
    Component,
    Host,
    InstallationStep,
    ObtainedPart,
    Substitute,
)
from conformance.report.platform import JudgedPlatform
from conformance.report.results import Capability, CheckResult, Repeated
from conformance.report.verdict import OverallVerdict, Verdict


class MergedRun(Model):
    """One of the runs that a merged report is made of."""

    run_id: str
    where: str = Field(default="", description="The label of its checks, if there are several.")
    started_at: datetime
    seconds: float
    suite_commit: str
    provider: str = ""
    kubernetes: str = ""
    platform: str = Field(default="", description="Its name; empty: the suite's own.")
    host: Host


class RunReport(Model):
    """One run of the suite, or several that were merged."""

    schema_version: Literal["3"] = "3"
    suite_version: str
    suite_commit: str = Field(
        default="", description="The checkout's commit; ends in -dirty if files were changed."
    )
    run_id: str
    mode: Literal["checks", "twins"] = "checks"
    state: Literal["running", "complete", "interrupted"] = Field(
        description="complete: every selected check has ended. A killed run stays at running."
    )
    checks_selected: int = 0
    checks_done: int = Field(default=0, description="How many of the selected checks have ended.")
    left_out: int = Field(
        default=0, description="How many extended checks were left out, as nothing asked for them."
    )
    started_at: datetime
    written_at: datetime = Field(
        description="When the report was last written: after each check, and at the end."
    )
    process: int | None = Field(
        default=None, description="While the run goes on: id of its process on the host."
    )
    seconds: float
    command: list[str]
    selection: list[str] = Field(
        default_factory=list,
        description="What selected the checks: paths and node ids, then options. A run is compared "
        "with the last complete one of the same selection, mode and provider.",
    )
    host: Host
    cluster: ClusterInfo | None = None
    platform: JudgedPlatform | None = None
    settings: dict[str, str | bool | None]
    components: list[Component] = Field(default_factory=list)
    obtained: list[ObtainedPart] = Field(
        default_factory=list,
        description="The parts that this run built or pulled, in the order in which that ended.",
    )
    substitutes: list[Substitute] = Field(default_factory=list)
    building_seconds: float = Field(
        default=0.0,
        description="How long checks waited for components to be built; not in any check's time.",
    )
    installation: list[InstallationStep] = Field(
        default_factory=list,
        description="Clusters, images, levels of the platform, apps and what else was made for "
        "checks, in the order in which they began.",
    )
    not_installed: dict[str, str] = Field(
        default_factory=dict, description="What was not installed on this cluster, and why."
    )
    errors: list[str] = Field(
        default_factory=list, description="What went wrong outside the checks; fails the run."
    )
    capabilities: list[Capability] = Field(default_factory=list)
    repeated: list[Repeated] = Field(
        default_factory=list, description="Of a run with --repeat: how often each check passed."
    )
    comparison: Comparison | None = None
    merged_from: list[MergedRun] = Field(
        default_factory=list,
        description="Of a merged report: the runs. What is said of a host is said of the first's, "
        "and what is not the same in all of them is left out.",
    )

    @model_validator(mode="before")
    @classmethod
    def _leave_out_what_is_computed(cls, data: Any) -> Any:  # noqa: ANN401 - whatever is read
        if isinstance(data, dict):
            return {name: value for name, value in data.items() if name != "verdict"}
        return data

    @computed_field(  # type: ignore[prop-decorator]  # mypy knows no decorated property
        description="fail: a check failed, or something outside the checks went wrong. pass: the "
        "run ended, and every capability passes. Otherwise partial."
    )
    @property
    def verdict(self) -> OverallVerdict:
        """What the run says as a whole, so far as it went."""
        if self.errors or any(check.verdict is Verdict.FAIL for check in self.checks):
            return OverallVerdict.FAIL
        passed = {capability.verdict for capability in self.capabilities} == {OverallVerdict.PASS}
        if passed and self.state == "complete":
            return OverallVerdict.PASS
        return OverallVerdict.PARTIAL

    @property
    def checks(self) -> list[CheckResult]:
        """Every check of every capability."""
        return [result for capability in self.capabilities for result in capability.checks]
