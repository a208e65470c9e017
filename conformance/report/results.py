"""What came of the checks: the result of each, and what all of a capability amount to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from conformance.report.base import Model
from conformance.report.environment import Awaited
from conformance.report.level import Level
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


class CheckOutcome(Model):
    """What came of one check: as much as is kept for years."""

    id: str
    node_id: str = Field(description="pytest's name of the test.")
    verdict: Verdict
    reason: str = Field(
        default="", description="Why the check did not pass; the first lines of the failure."
    )
    repetition: Repetition | None = Field(
        default=None, description="With --repeat: which time it is. Each counts by itself."
    )
    seconds: float = 0.0
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


class CheckResult(CheckOutcome):
    """One check on one app."""

    level: Level
    promise: str
    app: str | None = None
    app_level: Literal[4, 5, 6] | None = Field(
        default=None, description="The level of an app package that the check decides on."
    )
    features: list[str] = Field(
        default_factory=list, description="What a platform must claim for the check to apply."
    )
    exempt: bool = Field(
        default=False,
        description="Whether the platform's description is why it was not run or does not apply.",
    )
    error: bool = Field(
        default=False,
        description="Whether it was not run because something outside the checks went wrong, "
        "which its reason says; or because the run ended while it ran.",
    )
    began: float | None = Field(
        default=None, description="Seconds after the run began; none: it did not begin."
    )
    phases: Phases = Field(default_factory=Phases)
    waited_for: list[Awaited] = Field(
        default_factory=list,
        description="Steps of the installation, and parts, that it waited for, a tenth of a second "
        "or more. All but the waiting for parts is in its seconds.",
    )
    notes: list[str] = Field(default_factory=list)
    measurements: list[Measurement] = Field(default_factory=list)
    evidence: list[Evidence] = Field(default_factory=list)
    twin: TwinResult | None = None
    cluster: str = Field(
        default="", description="Of a run with several clusters: the one that it ran on."
    )
    lane: int | None = Field(
        default=None, description="Of a run with several lanes: the number of the one it ran in."
    )


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
