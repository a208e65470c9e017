"""An upgrade that cannot work: how the app comes back, and how the next commit heals it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.apps.flux_package import Commit
from conformance.apps.tracked import TrackedApp

if TYPE_CHECKING:
    from conformance.apps.base import Seed
    from conformance.report.evidence import EvidenceBox
    from conformance.services.prober import Prober

RELOAD = 10.0
"""Seconds in which the ingress has an app again whose pod is Ready."""


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

    def brings_old_version_back(self, evidence: EvidenceBox, *, within: float) -> None:
        """Flux has rolled back: the old version serves, with its data, and the status says why.

        ``within`` is how many seconds the app may have been away. Raises ``AssertionError``.
        """
        version = str(self.commit.chart_version)
        self.app.wait_given_up(version)
        self.visitor.wait_answer(RELOAD)
        self.visitor.stop()
        away, explanation = self.visitor.outage_seconds, self.app.explanation()
        evidence.measure("outage until the old version was back", away)
        evidence.note(self.visitor.summary())
        evidence.attach("explanation.txt", explanation)
        if away > within:
            raise AssertionError(f"the app was away for {away:.1f} s, more than {within:.0f} s")
        if (found := self.app.version()) != self.old_version:
            raise AssertionError(f"version {found} serves instead of {self.old_version}")
        self.app.verify(self.seed)
        if f"@{version}" not in explanation:
            raise AssertionError(
                f"the status does not name chart version {version}:\n{explanation}"
            )

    def heals_by(self, good: Commit) -> None:
        """The next good commit upgrades the app, with its data, and nobody has to help.

        Raises ``AssertionError`` when the app does not run the version that the commit names.
        """
        self.app.push(good)
        self.app.wait_upgraded(str(good.chart_version))
        if (found := self.app.version()[0]) != good.app_version:
            raise AssertionError(f"version {found} serves instead of {good.app_version}")
        self.app.verify(self.seed)
