"""What came of looking at packages: findings and levels. The views show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from conformance.linter.findings import Place, Severity

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage
    from conformance.linter.rule import Rule
    from conformance.linter.waivers import Waiver

_ORDER = list(Severity)


@dataclass(frozen=True)
class Finding:
    """A violation of a rule in an app."""

    rule: Rule
    place: Place
    message: str
    fix: str
    waiver: Waiver | None = None

    @property
    def severity(self) -> Severity:
        """The rule's."""
        return self.rule.severity

    @property
    def fails(self) -> bool:
        """Whether it is an error that nobody has waived."""
        return self.rule.core and self.waiver is None


@dataclass(frozen=True)
class AppResult:
    """What the rules said about one app."""

    app: AppPackage
    root: str
    """The PATH it was found under, as it was given."""
    findings: tuple[Finding, ...]
    """The most severe first: errors, and of these the ones that cost most levels; waived ones last.
    Then by file and line."""
    not_run: tuple[tuple[Rule, str], ...]
    """Rules that could not be judged, or not everywhere, and why."""
    level: int | None
    """None: only some rules were run, so no level can be claimed."""
    remark: str = ""
    """What else must be known, as that there is no earlier version to compare with."""

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
    """Return what findings are sorted by."""
    return (
        finding.waiver is not None,
        _ORDER.index(finding.severity),
        finding.rule.level,
        finding.place,
        finding.rule.id,
        finding.message,
    )
