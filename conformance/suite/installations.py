"""One installation of an app package, which serves all checks of it, whatever their capability."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from conformance.apps.package.delivery import Delivery
from conformance.apps.package.running import RunningApp
from conformance.apps.package.secrets_by_hand import made_by_hand
from conformance.apps.package.time_limit import TimeLimit
from conformance.apps.tracked import TrackedBranch

if TYPE_CHECKING:
    from conformance.apps.package.given import GivenApp
    from conformance.apps.package.placement import Placement
    from conformance.clusters.base import Cluster
    from conformance.common.settings import Settings
    from conformance.kube.client import Kube
    from conformance.platform.reference import Stack
    from conformance.services.flux import Flux


class Installations:
    """Installs app packages, one at a time; what is there already is used again."""

    def __init__(
        self,
        settings: Settings,
        cluster: Cluster,
        kube: Kube,
        stack: Stack,
        report: Callable[[str], None],
    ) -> None:
        """``report`` is called with what could not be taken away, a sentence each."""
        self._settings = settings
        self._cluster = cluster
        self._kube = kube
        self._stack = stack
        self._report = report
        self._package: GivenApp | None = None
        self._limit = TimeLimit(math.inf)
        self._app: RunningApp | None = None

    def has(self, package: GivenApp) -> bool:
        """Whether a package is in the tracked branch."""
        there = self._app is not None and self._app.delivery.is_there
        return there and self._package is package

    def of(
        self,
        package: GivenApp,
        placement: Placement,
        flux: Flux,
        prepare: Callable[[], None],
    ) -> RunningApp:
        """Return the app of a package, brought to the tracked branch.

        It is installed anew if it is not there, or if it was Ready once and is not any more; before
        that ``prepare`` is called, and what is there is taken away. Raises HarnessError.
        """
        if self._app is None or not self.has(package) or self._app.delivery.has_stopped():
            self.end()
            prepare()
            self._app = self._installed(package, placement, flux)
        return self._app

    def end(self) -> None:
        """Take away what is there."""
        app, self._app = self._app, None
        if app is not None and (troubles := app.delivery.clean_up()):
            self._report(f"of {app.delivery.name} something is left: {'; '.join(troubles)}")

    def _installed(self, package: GivenApp, placement: Placement, flux: Flux) -> RunningApp:
        domain = self._settings.domain
        if package is not self._package:
            # The suite's own packages have the time-outs of the suite.
            given = self._settings.app
            self._limit = TimeLimit(self._settings.app_time if given else math.inf)
            self._package = package
        apps = self._stack.clients.platform.apps
        branch = TrackedBranch(self._kube, self._stack.git, flux, apps)
        secrets = made_by_hand(package, domain, self._kube.redactor)
        delivery = Delivery(branch, placement, package.name, self._limit, secrets)
        self._app = RunningApp(delivery, package.description, self._stack.http(), domain)
        delivery.begin()
        delivery.guard_disk(self._cluster)
        return self._app
