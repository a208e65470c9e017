"""An upgrade that cannot work: how the app comes back, and how the next commit heals it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.apps.flux_package import Commit
from conformance.apps.tracked import TrackedApp
from conformance.stack.steps import Steps

if TYPE_CHECKING:
    from conformance.apps.base import Seed
    from conformance.report.evidence import EvidenceBox
    from conformance.services.prober import Prober

RELOAD = 10.0
"""Seconds in which the ingress has an app again whose pod is Ready."""


@dataclass(frozen=True)
class Aftermath:
    """What was there when Flux was done with an upgrade that cannot work."""

    away: float
    """Seconds without an answer."""
    visits: str
    explanation: str
    """What the release's conditions and warning Events say."""
    version: tuple[str, int]
    """Version of the app, and schema of its data; the data was that from before the commit."""


@dataclass(frozen=True)
class BrokenUpgrade:
    """An app with data, and the commit that was pushed although it cannot work."""

    app: TrackedApp
    seed: Seed
    commit: Commit
    old_version: tuple[str, int]
    """Version of the app, and schema of its data, before the commit."""
    visitor: Prober
    """Somebody who has used the app since before the commit."""
    _steps: Steps = field(default_factory=Steps)

    def aftermath(self) -> Aftermath:
        """Return what was there when this was first asked, once Flux had done all it does.

        Raises ``AssertionError`` when the app does not answer then, or has other data.
        """
        return self._steps.run("aftermath", self._look)

    def brings_old_version_back(self, evidence: EvidenceBox, *, within: float) -> None:
        """Flux has rolled back: the old version serves, with its data, and the status says why.

        ``within`` is how many seconds the app may have been away. Raises ``AssertionError``.
        """
        found = self.aftermath()
        evidence.measure("outage until the old version was back", found.away)
        evidence.note(found.visits)
        evidence.attach("explanation.txt", found.explanation)
        if found.away > within:
            raise AssertionError(
                f"the app was away for {found.away:.1f} s, more than {within:.0f} s"
            )
        if found.version != self.old_version:
            raise AssertionError(f"version {found.version} serves instead of {self.old_version}")
        if f"@{self.commit.chart_version}" not in found.explanation:
            raise AssertionError(
                f"the status does not name chart version {self.commit.chart_version}:\n"
                f"{found.explanation}"
            )

    def healed_by(self, good: Commit) -> None:
        """The next good commit, which was pushed, upgrades the app, with its data, without help.

        Raises ``AssertionError`` when the app does not run the version that the commit names.
        """
        self.app.wait_upgraded(str(good.chart_version))
        if (found := self.app.version()[0]) != good.app_version:
            raise AssertionError(f"version {found} serves instead of {good.app_version}")
        self.app.verify(self.seed)

    def _look(self) -> Aftermath:
        self.app.wait_given_up(str(self.commit.chart_version))
        self.visitor.wait_answer(RELOAD)
        self.visitor.stop()
        away, version = self.visitor.outage_seconds, self.app.version()
        self.app.verify(self.seed)
        return Aftermath(away, self.visitor.summary(), self.app.explanation(), version)
