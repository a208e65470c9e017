"""The part of report.json that a history is made of: all of a year's reports are read for it.

What is left out of a report here is not even looked at, which takes a fraction of the time.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import ConfigDict, Field

from conformance.report.base import Model
from conformance.report.environment import ClusterInfo, Component, Host
from conformance.report.platform import JudgedPlatform
from conformance.report.results import CheckOutcome
from conformance.report.verdict import OverallVerdict

_THE_REST = ConfigDict(extra="ignore")


class _Check(CheckOutcome):
    model_config = _THE_REST


class _Capability(Model):
    model_config = _THE_REST

    checks: list[_Check]


class KeptReport(Model):
    """A report, as ``RunReport`` has it; with the verdict that it says itself."""

    model_config = _THE_REST

    schema_version: Literal["3"]
    suite_version: str
    suite_commit: str = ""
    run_id: str
    mode: str = "checks"
    state: str
    started_at: datetime
    seconds: float
    selection: list[str] = Field(default_factory=list)
    host: Host
    cluster: ClusterInfo | None = None
    platform: JudgedPlatform | None = None
    components: list[Component] = Field(default_factory=list)
    errors: list[str] = Field(default_factory=list)
    capabilities: list[_Capability] = Field(default_factory=list)
    verdict: OverallVerdict

    @property
    def checks(self) -> list[_Check]:
        """Every check of every capability."""
        return [check for capability in self.capabilities for check in capability.checks]
