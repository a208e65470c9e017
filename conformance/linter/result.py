"""What came of looking at packages: findings and levels. The views show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.linter.findings import Place, Severity
from conformance.linter.levels import STATIC

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage
    from conformance.linter.rule import Requirement, Rule
    from conformance.linter.waivers import Waiver

_ORDER = list(Severity)


@dataclass(frozen=True)
class Evidence:
    """A file that a check left, such as a log or a screenshot."""

    name: str
    path: Path
    """As it is opened from the folder that the command ran in."""


@dataclass(frozen=True)
class CheckResult:
    """What a check on the cluster said about an app."""

    app: str
    check: Requirement
    verdict: str
    """``pass``, ``fail``, ``not run``, ``not applicable`` or ``waived``, as in the run's report."""
    reason: str = ""
    """Why it did not pass: what was seen, in a few lines."""
    seconds: float = 0.0
    measured: tuple[str, ...] = ()
    """As in ``time to Ready: 12.3 s``."""
    evidence: tuple[Evidence, ...] = ()
    anchor: str = ""
    """Where the run's report.html has it."""
    preparing: float = 0.0
    """How many of the seconds went by before the check itself: its cluster, platform and app."""


@dataclass(frozen=True)
class ClusterRun:
    """A run of the suite's checks on the apps."""

    trouble: str = ""
    """Why it did not begin, or did not come to its end; empty if it did."""
    folder: Path | None = None
    """The one with its report; None: it has none."""
    cluster: str = ""
    """As in ``embedded, Kubernetes v1.36.3``."""
    seconds: float = 0.0
    errors: tuple[str, ...] = ()
    """What went wrong outside the checks."""
    checks: tuple[CheckResult, ...] = ()

    @property
    def page(self) -> Path | None:
        """Its report for people."""
        return self.folder / "report.html" if self.folder else None


@dataclass(frozen=True)
class Finding:
    """A violation of a rule in an app, or a check that the app failed."""

    rule: Requirement
    place: Place
    message: str
    fix: str
    waiver: Waiver | None = None
    failed: CheckResult | None = None
    """The check that failed; None: it was found in the files."""
    known: bool = False
    """Whether an earlier result, that of ``--baseline``, has it."""

    @property
    def severity(self) -> Severity:
        """The rule's."""
        return self.rule.severity

    @property
    def fails(self) -> bool:
        """Whether it is an error that nobody has waived, and that is not known."""
        return self.rule.core and self.waiver is None and not self.known

    @property
    def kind(self) -> str:
        """``error``, ``warning`` or ``note``; ``waived``; ``known``."""
        if self.waiver:
            return "waived"
        return "known" if self.known else self.severity.value


@dataclass(frozen=True)
class AppResult:
    """What the rules said about one app."""

    app: AppPackage
    root: str
    """The PATH it was found under, as it was given."""
    findings: tuple[Finding, ...]
    """The most severe first: errors, and of these the ones that cost most levels; waived ones last.
    Then by file and line."""
    not_run: tuple[tuple[Requirement, str], ...]
    """What could not be judged, or not everywhere, and why."""
    level: int | None
    """None: only some rules were run, so no level can be claimed."""
    remark: str = ""
    """What else must be known, as that there is no earlier version to compare with."""
    checks: tuple[CheckResult, ...] = ()
    """What was run on a cluster, failed or not."""
    not_judged: Mapping[int, str] = field(default_factory=dict)
    """Levels above the static ones that the run on a cluster says nothing of, and why."""
    highest: int = STATIC
    """The highest level that an app could have been given."""

    @property
    def name(self) -> str:
        """The app's name; of one without, its path."""
        return self.app.name or self.app.path

    @property
    def failed(self) -> bool:
        """Whether there is an error that nobody has waived."""
        return any(finding.fails for finding in self.findings)


@dataclass(frozen=True)
class Result:
    """What came of one PATH, or of several."""

    paths: tuple[str, ...]
    apps: tuple[AppResult, ...]
    rules: tuple[Rule, ...]
    """Those that were to be run."""
    seconds: float
    unused: tuple[Waiver, ...] = ()
    """Waivers of rules that nothing violates."""
    cluster: ClusterRun | None = None
    """None: the packages were only read."""

    @property
    def failed(self) -> bool:
        """Whether there is an error that nobody has waived."""
        return any(app.failed for app in self.apps)


def joined(results: Sequence[Result]) -> Result:
    """Return the results of several PATHs as one."""
    first, *others = results
    return Result(
        tuple(path for one in results for path in one.paths),
        tuple(app for one in results for app in one.apps),
        first.rules,
        sum(one.seconds for one in results),
        tuple(waiver for waiver in first.unused if all(waiver in one.unused for one in others)),
    )


def rank(finding: Finding) -> tuple[Any, ...]:
    """Return what findings are sorted by. Checks stay in the order in which they ran."""
    return (
        finding.waiver is not None,
        _ORDER.index(finding.severity),
        finding.rule.level,
        finding.place,
        *(() if finding.failed else (finding.rule.id, finding.message)),
    )
