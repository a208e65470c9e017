"""One installation of an app package, which serves all checks of it, whatever their capability."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from conformance.apps.package.abilities import Ability, lack_of
from conformance.apps.package.delivery import Delivery
from conformance.apps.package.running import RunningApp
from conformance.apps.package.secrets_by_hand import made_by_hand
from conformance.apps.package.time_limit import TimeLimit
from conformance.apps.tracked import TrackedBranch
from conformance.platform.reference.levels import BACKUPS

if TYPE_CHECKING:
    from conformance.apps.package.given import GivenApp
    from conformance.apps.package.model.description import Description
    from conformance.apps.package.placement import Placement
    from conformance.clusters.base import Cluster
    from conformance.common.settings import Settings
    from conformance.kube.client import Kube
    from conformance.platform.stack import Stack
    from conformance.services.flux import Flux


def prepared_platform(
    stack: Stack, placement: Placement, description: Description, wanted: Collection[str]
) -> Flux:
    """Install what an app needs of the platform, and what its checks need, whose fixtures are
    ``wanted``.

    That comes before the app: later, it would be taken for the app's own.
    """
    flux = stack.platform()
    has_login = lack_of(Ability.LOGIN, description) is None
    if placement.needs_login or ("accounts" in wanted and has_login):
        stack.single_sign_on()
    data = lack_of(Ability.DATA, description)
    keeps_data = data is None or not data.by_nature
    needs_backups = bool(placement.depends_on & set(BACKUPS.kustomizations))
    if needs_backups or ("backups" in wanted and keeps_data):
        stack.backups()
    stack.settle()
    return flux


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

    def leave(self) -> None:
        """Leave what is there to the cluster, which goes away with it."""
        if self._app is not None:
            self._app.delivery.leave()

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
