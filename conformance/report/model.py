"""The result of a run. ``report.json`` is this model; JUnit and HTML are views of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

from pydantic import Field, computed_field, model_validator

from conformance.report.base import Model
from conformance.report.changes import Comparison
from conformance.report.level import Level
from conformance.report.platform import JudgedPlatform
from conformance.report.verdict import OverallVerdict, Verdict


class Evidence(Model):
    """A file in the run's folder that supports a verdict."""

    name: str
    path: str = Field(description="Relative to report.json, with forward slashes.")
    sha256: str
    bytes: int
    media_type: str


class Measurement(Model):
    """A number observed by a check; not a limit."""

    name: str
    value: float
    unit: str = "s"


class Phases(Model):
    """Seconds spent in each phase of a check, without waiting for components to be built."""

    setup: float = 0.0
    call: float = 0.0
    teardown: float = 0.0


class TwinResult(Model):
    """The defect a check was run against with ``--twins``."""

    defect: str
    expect: str
    caught: bool


class Repetition(Model):
    """Which time it is that a check ran, with ``--repeat``."""

    number: int
    of: int

    @property
    def suffix(self) -> str:
        """What a test's parameters end with."""
        return f"{self.number}of{self.of}"

    def without(self, parameters: str) -> str:
        """Return a test's parameters without what stands for the repetition."""
        return parameters.removesuffix(self.suffix).removesuffix("-")

    def removed_from(self, node_id: str) -> str:
        """Return the name of the test without what stands for the repetition."""
        name, _, parameters = node_id.partition("[")
        rest = self.without(parameters.removesuffix("]"))
        return f"{name}[{rest}]" if rest else name


class Repeated(Model):
    """What came of all repetitions of a check."""

    id: str
    run: str = Field(default="", description="Its parameters, the app first, then where it ran.")
    times: int
    passed: int
    failed: int
    flaky: bool = Field(description="Whether it both passed and failed.")


class CheckResult(Model):
    """One check on one app."""

    id: str
    node_id: str = Field(description="pytest's name of the test.")
    level: Level
    promise: str
    app: str | None = None
    app_level: Literal[4, 5, 6] | None = Field(
        default=None, description="The level of an app package that the check decides on."
    )
    features: list[str] = Field(
        default_factory=list, description="What a platform must claim for the check to apply."
    )
    verdict: Verdict
    exempt: bool = Field(
        default=False,
        description="Whether the platform's description is why it was not run or does not apply.",
    )
    error: bool = Field(
        default=False,
        description="Whether it was not run because something outside the checks went wrong, "
        "which its reason says; or because the run ended while it ran.",
    )
    reason: str = Field(
        default="", description="Why the check did not pass; the first lines of the failure."
    )
    repetition: Repetition | None = Field(
        default=None, description="With --repeat: which time it is. Each counts by itself."
    )
    began: float | None = Field(
        default=None, description="Seconds after the run began; none: it did not begin."
    )
    seconds: float = 0.0
    phases: Phases = Field(default_factory=Phases)
    notes: list[str] = Field(default_factory=list)
    measurements: list[Measurement] = Field(default_factory=list)
    evidence: list[Evidence] = Field(default_factory=list)
    twin: TwinResult | None = None
    cluster: str = Field(
        default="", description="Of a run with several clusters: the one that it ran on."
    )
    where: str = Field(
        default="", description="In a merged report: the label of the runs that this is from."
    )

    @property
    def parameters(self) -> str:
        """What pytest ran the check with, the app first, or nothing."""
        inside = self.node_id.partition("[")[2].rstrip("]")
        return self.repetition.without(inside) if self.repetition else inside

    @property
    def place(self) -> str:
        """What the check ran on: its parameters, then where it ran, or nothing."""
        return ", ".join(filter(None, (self.parameters, self.where)))

    @property
    def run(self) -> str:
        """Which of the check's runs this is: what it ran on, then which repetition, or nothing."""
        one = self.repetition
        return ", ".join(filter(None, (self.place, f"{one.number} of {one.of}" if one else "")))


class Counts(Model):
    """How many checks of one level ended how."""

    passed: int = 0
    failed: int = 0
    not_run: int = 0
    not_applicable: int = 0
    waived: int = 0
    exempt: int = Field(
        default=0,
        description="Of those not applicable: the platform does not claim what they are about.",
    )

    @property
    def total(self) -> int:
        """Checks that could have passed: all but those that do not apply."""
        return self.passed + self.failed + self.not_run + self.waived


class Capability(Model):
    """All checks of one capability."""

    id: str = Field(description="The test file's name without test_ and .py.")
    verdict: OverallVerdict
    core: Counts
    extended: Counts
    seconds: float
    checks: list[CheckResult]


class Host(Model):
    """The machine the suite ran on."""

    system: str
    kernel: str
    cpus: int
    memory_bytes: int
    cgroups: str
    root: bool
    python: str


class ClusterInfo(Model):
    """The cluster under test."""

    provider: str
    choice: str = Field(default="", description="Why this provider was chosen.")
    name: str
    reused: bool = False
    snapshot: str = Field(
        default="",
        description="The snapshot that it was started from; empty: the platform was installed.",
    )
    kubernetes: str = ""
    container_runtime: str = ""
    nodes: int = 0
    node_system: str = ""
    node_image: str = Field(default="", description="Reference and digest, if it has one.")


class Component(Model):
    """A part that ran in the cluster or built what ran in it."""

    name: str
    version: str
    origin: str
    source: str = ""
    note: str = Field(default="", description="For a substitute: what it replaces.")
    key: str = Field(default="", description="Hash of everything it was built from.")


class ObtainedPart(Model):
    """A part that was not in the cache; several are obtained at the same time."""

    name: str
    how: Literal["built", "pulled"]
    began: float = Field(description="Seconds since the run began to look for parts.")
    seconds: float


class Substitute(Model):
    """What stands in for upstream software."""

    name: str
    role: str = ""
    instead_of: str
    kind: str = Field(default="substitute", description="substitute, or reference: replaceable.")
    note: str = ""


class InstallationStep(Model):
    """One step of installing the stack; steps overlap."""

    step: str
    began: float = Field(description="Seconds since the installation began.")
    seconds: float


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
    installation: list[InstallationStep] = Field(default_factory=list)
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


def repeated(checks: Iterable[CheckResult]) -> list[Repeated]:
    """Return what came of each check that ran several times."""
    found: dict[tuple[str, str], list[CheckResult]] = {}
    for check in checks:
        if check.repetition:
            found.setdefault((check.id, check.place), []).append(check)
    return [
        Repeated(
            id=check_id,
            run=place,
            times=len(runs),
            passed=(passed := sum(one.verdict is Verdict.PASS for one in runs)),
            failed=(failed := sum(one.verdict is Verdict.FAIL for one in runs)),
            flaky=bool(passed and failed),
        )
        for (check_id, place), runs in found.items()
    ]


def capability_verdict(core: Counts, extended: Counts) -> OverallVerdict:
    """A capability passes only if all its core checks passed; a failed one decides.

    Where none of its checks is core, all are as if they were.
    """
    deciding = extended if core == Counts() else core
    if deciding.failed:
        return OverallVerdict.FAIL
    if deciding.passed == deciding.total and deciding.passed:
        return OverallVerdict.PASS
    return OverallVerdict.PARTIAL


_COUNTED_AS = {
    Verdict.PASS: "passed",
    Verdict.FAIL: "failed",
    Verdict.NOT_RUN: "not_run",
    Verdict.NOT_APPLICABLE: "not_applicable",
    Verdict.WAIVED: "waived",
}


def summarise(capability_id: str, checks: list[CheckResult]) -> Capability:
    """Return the capability's counts and verdict."""
    counts = {level: Counts() for level in Level}
    for result in checks:
        field = _COUNTED_AS[result.verdict]
        level = counts[result.level]
        setattr(level, field, getattr(level, field) + 1)
        level.exempt += result.exempt and result.verdict is Verdict.NOT_APPLICABLE
    return Capability(
        id=capability_id,
        verdict=capability_verdict(counts[Level.CORE], counts[Level.EXTENDED]),
        core=counts[Level.CORE],
        extended=counts[Level.EXTENDED],
        seconds=round(sum(result.seconds for result in checks), 3),
        checks=checks,
    )
