"""An upgrade that cannot work: how the app comes back, and what the next commit makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.apps.flux_package import Commit
from conformance.apps.tracked import TrackedApp
from conformance.platform.steps import Steps

if TYPE_CHECKING:
    from conformance.apps.base import Seed
    from conformance.common.load import Load
    from conformance.services.availability import AvailabilityMonitor, Outage

RELOAD = 30.0
"""Seconds in which the ingress has an app again whose pod is Ready; measured 1."""


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
class Healing:
    """What was there when the next good commit had upgraded the app."""

    version: tuple[str, int]
    """Version of the app, and schema of its data; the data was still that from before."""
    outages: Sequence[Outage]
    """Since the aftermath of the upgrade that could not work."""


@dataclass(frozen=True)
class BrokenUpgrade:
    """An app with data, and the commit that was pushed although it cannot work."""

    app: TrackedApp
    seed: Seed
    commit: Commit
    visitor: AvailabilityMonitor
    """Somebody who has used the app since before the commit."""
    _steps: Steps = field(default_factory=Steps)

    def aftermath(self) -> Aftermath:
        """Return what was there when this was first asked, once Flux had done all it does.

        Raises ``AssertionError`` when the app does not answer then, or has other data.
        """
        return self._steps.run("aftermath", self._look)

    def healing(self, good: Commit) -> Healing:
        """Return what the next good commit, which was pushed, makes of the app without any help.

        Raises ``AssertionError`` when the app does not answer then, or has other data.
        """
        before = self.aftermath().outages
        self.app.wait_upgraded(str(good.chart_version))
        version = self.app.version()
        self.app.verify(self.seed)
        self.visitor.wait_answer(RELOAD)
        self.visitor.stop()
        return Healing(version, self.visitor.outages[before:])

    def _look(self) -> Aftermath:
        self.app.wait_given_up(str(self.commit.chart_version))
        self.visitor.wait_answer(RELOAD)
        visitor = self.visitor
        seen = (visitor.outage_seconds, visitor.load, len(visitor.outages), visitor.summary())
        version = self.app.version()
        self.app.verify(self.seed)
        return Aftermath(*seen, self.app.explanation(), version)
