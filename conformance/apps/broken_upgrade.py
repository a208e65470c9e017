"""An upgrade that cannot work: how the app comes back, and how the next commit heals it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.apps.flux_package import Commit
from conformance.apps.tracked import TrackedApp
from conformance.platform.reference.steps import Steps

if TYPE_CHECKING:
    from conformance.apps.base import Seed
    from conformance.common.load import Load
    from conformance.report.evidence import EvidenceBox
    from conformance.services.prober import Prober

RELOAD = 30.0
"""Seconds in which the ingress has an app again whose pod is Ready; measured 1."""
ROLLBACK = 30.0
"""Seconds in which an idle machine rolls back and starts the old version; measured 8."""
TIMES_AS_LONG = 3
"""How much longer than a good upgrade of the same app, in the same run, the rollback may take."""


@dataclass(frozen=True)
class Aftermath:
    """What was there when Flux was done with an upgrade that cannot work."""

    away: float
    """Seconds without an answer."""
    load: Load
    """How busy the machine was meanwhile."""
    outages: int
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

    def brings_old_version_back(self, evidence: EvidenceBox) -> None:
        """Flux has rolled back: the old version serves, with its data, and the status says why.

        Raises ``AssertionError``.
        """
        found = self.aftermath()
        evidence.measure("outage until the old version was back", found.away, load=found.load)
        evidence.note(found.visits)
        evidence.attach("explanation.txt", found.explanation)
        if found.version != self.old_version:
            raise AssertionError(f"version {found.version} serves instead of {self.old_version}")
        if f"@{self.commit.chart_version}" not in found.explanation:
            raise AssertionError(
                f"the status does not name chart version {self.commit.chart_version}:\n"
                f"{found.explanation}"
            )

    def healed_by(self, good: Commit, evidence: EvidenceBox, *, failure_after: float) -> None:
        """The next good commit, which was pushed, upgrades the app, with its data, without help.

        How long that takes the app away tells how long the rollback may have: not much longer,
        apart from the ``failure_after`` seconds until the upgrade counted as failed. Raises
        ``AssertionError``, also when the app does not run the version that the commit names.
        """
        self.app.wait_upgraded(str(good.chart_version))
        if (found := self.app.version()[0]) != good.app_version:
            raise AssertionError(f"version {found} serves instead of {good.app_version}")
        self.app.verify(self.seed)
        self.visitor.wait_answer(RELOAD)
        self.visitor.stop()
        broken = self.aftermath()
        later = self.visitor.outages[broken.outages :]
        for outage in later:
            evidence.measure("outage by a good upgrade", outage.seconds, load=outage.load)
        healing = sum(outage.seconds for outage in later)
        limit = failure_after + max(ROLLBACK, TIMES_AS_LONG * healing)
        if broken.away > limit:
            raise AssertionError(
                f"the app was unavailable for {broken.away:.1f} s, more than {limit:.0f} s; a good "
                f"upgrade took {healing:.1f} s. {self.visitor.summary()}"
            )

    def _look(self) -> Aftermath:
        self.app.wait_given_up(str(self.commit.chart_version))
        self.visitor.wait_answer(RELOAD)
        visitor = self.visitor
        seen = (visitor.outage_seconds, visitor.load, len(visitor.outages), visitor.summary())
        version = self.app.version()
        self.app.verify(self.seed)
        return Aftermath(*seen, self.app.explanation(), version)
