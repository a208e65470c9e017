"""What is kept of a run for years: verdicts, durations and versions, without the evidence."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from pydantic import Field

from conformance.report.base import Model
from conformance.report.history.kept import KeptReport
from conformance.report.model import RunReport
from conformance.report.platform import Whose
from conformance.report.results import CheckOutcome
from conformance.report.verdict import OverallVerdict, Verdict

Key = tuple[str, str]
"""A check's id and its parameters, the app first: what is the same check in two runs."""
OBSERVED = frozenset({Verdict.PASS, Verdict.FAIL})
"""Verdicts that say something of the platform; the others say why nothing was seen."""

_REASON = 200
_KEY = 8


class CheckFacts(NamedTuple):
    """What one run says of one check."""

    id: str
    run: str
    verdict: Verdict
    seconds: float = 0.0
    reason: str = ""

    @property
    def key(self) -> Key:
        """What is the same in another run."""
        return self.id, self.run

    @property
    def name(self) -> str:
        """What to call it in one line."""
        return f"{self.id} on {self.run}" if self.run else self.id


class Tested(Model):
    """What two runs must have in common for their verdicts to be about the same thing."""

    mode: str
    selection: list[str] = Field(default_factory=list)
    provider: str | None = None
    cluster: str | None = None
    """Of somebody's own cluster, its name; one of the suite's may be called anything."""
    platform: list[str] = Field(default_factory=list)
    """Whose it is, if it is not the one that the suite brings along."""

    def __str__(self) -> str:
        words = [self.provider or "no cluster", self.cluster, *self.platform, *self.selection]
        return ", ".join(word for word in words if word)


class RunFacts(Model):
    """What is kept of one run."""

    run_id: str
    started_at: datetime
    state: str
    verdict: OverallVerdict
    seconds: float
    tested: Tested
    versions: dict[str, str] = Field(default_factory=dict)
    """Of all that was tested: the suite, the platform, Kubernetes, each component."""
    machine: dict[str, str] = Field(default_factory=dict)
    errors: list[str] = Field(default_factory=list)
    """First lines of what went wrong outside the checks."""
    checks: list[CheckFacts] = Field(default_factory=list)
    folder: str = ""
    """Where the run's report was, relative to the folder of all reports."""

    @cached_property
    def by_key(self) -> dict[Key, CheckFacts]:
        """The checks, to be looked up."""
        return {check.key: check for check in self.checks}

    @property
    def suite_commit(self) -> str:
        """The suite's commit; empty if it had none."""
        return self.versions.get("suite commit", "")

    def same_versions(self, other: RunFacts) -> bool:
        """Whether both runs tested exactly the same; unknown changes to a checkout are none."""
        known = self.suite_commit and not self.suite_commit.endswith("-dirty")
        return bool(known) and self.versions == other.versions


def facts_of(report: RunReport | KeptReport, folder: str = "") -> RunFacts:
    """Return what is kept of a run whose report is in ``folder``."""
    return RunFacts(
        run_id=report.run_id,
        started_at=report.started_at,
        state=report.state,
        verdict=report.verdict,
        seconds=report.seconds,
        tested=tested(report),
        versions=_versions(report),
        machine=_machine(report),
        errors=[error.partition("\n")[0][:_REASON] for error in report.errors],
        checks=[_check(check) for check in report.checks],
        folder=folder,
    )


def tested(report: RunReport | KeptReport) -> Tested:
    """Return what must be the same in a report that is compared with this one."""
    provider = report.cluster.provider if report.cluster else None
    foreign = report.cluster is not None and provider == "existing"
    whose: list[str] = []
    # The suite's own platform changes with the suite, and is still the one that it brings along.
    if (platform := report.platform) and platform.whose is not Whose.REFERENCE:
        who = platform.implementation
        whose = [platform.whose.value, who.organization, who.project]
    return Tested(
        mode=report.mode,
        selection=report.selection,
        provider=provider,
        cluster=report.cluster.name if report.cluster and foreign else None,
        platform=whose,
    )


def _check(check: CheckOutcome) -> CheckFacts:
    reason = "" if check.verdict is Verdict.PASS else check.reason.partition("\n")[0][:_REASON]
    return CheckFacts(check.id, check.run, check.verdict, round(check.seconds, 1), reason)


def _versions(report: RunReport | KeptReport) -> dict[str, str]:
    found = {"suite": report.suite_version, "suite commit": report.suite_commit}
    if report.platform:
        found["platform"] = report.platform.implementation.version
        found["platform's tree"] = report.platform.origin
    if report.cluster:
        found["Kubernetes"] = report.cluster.kubernetes
        found["container runtime"] = report.cluster.container_runtime
        found["node"] = report.cluster.node_system
        found["node image"] = report.cluster.node_image
    for part in report.components:
        found[part.name] = f"{part.version} ({part.key[:_KEY]})" if part.key else part.version
    return {name: version for name, version in found.items() if version}


def _machine(report: RunReport | KeptReport) -> dict[str, str]:
    host = report.host
    return {
        "machine": f"{host.system}, Linux {host.kernel}",
        "CPUs": str(host.cpus),
        "memory": f"{host.memory_bytes / 2**30:.0f} GiB",
        "Python": host.python,
    }
