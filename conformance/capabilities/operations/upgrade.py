"""An upgrade of an app by Flux that something happens to while it goes on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.apps.flux_package import commits_in
from conformance.kube.conditions import exists, image_unavailable, reconciled
from conformance.kube.objects import Selection
from conformance.kube.wait import wait, wait_each
from conformance.services.flux import hopeless

if TYPE_CHECKING:
    from conformance.apps.tracked import TrackedApp

COMMITS = commits_in(Path(__file__).with_name("commits.yaml"))
UPGRADE_TIMEOUT = 120
"""Seconds after which the upgrade counts as failed; on an idle machine it takes 30."""
CHART_VERSION = "2.0.0"
"""Of the chart that the app is upgraded to."""
VERSION_2 = ("2.0.0", 2)
"""Version of the app afterwards, and schema of its data."""


@dataclass(frozen=True)
class Upgrade:
    """The upgrade of an app to ``CHART_VERSION``, which was committed."""

    app: TrackedApp

    def wait_begun(self) -> None:
        """Wait until helm has noted that it upgrades the app. Raises ``WaitTimeout``."""
        kube = self.app.branch.kube
        wait_each(kube, self._pending, exists(), timeout=kube.timeouts.reconciliation)

    def goes_on(self) -> bool:
        """Whether helm's note still says so: no other upgrade may begin then."""
        return bool(self.app.branch.kube.list(*self._pending))

    def wait_without_image(self) -> None:
        """Wait until the app's only pod says that its image cannot be pulled."""
        selection = Selection("v1", "Pod", self.app.namespace, self.app.instance.selector)
        wait_each(self.app.branch.kube, selection, image_unavailable())

    def wait_done(self) -> None:
        """Wait until the release is Ready in the new version.

        Raises ``WaitFailed`` as soon as Flux has given the upgrade up, or fails at it for ever.
        """
        kube, flux = self.app.branch.kube, self.app.branch.flux
        wait(
            kube,
            flux.ref("HelmRelease", self.app.name, self.app.namespace),
            reconciled(CHART_VERSION),
            timeout=kube.timeouts.reconciliation,
            fail_on=hopeless(),
        )

    @property
    def _pending(self) -> Selection:
        """Helm's record of an upgrade that goes on: a Secret with these labels.

        https://helm.sh/docs/topics/advanced/#storage-backends
        """
        labels = f"owner=helm,name={self.app.name},status=pending-upgrade"
        return Selection("v1", "Secret", self.app.namespace, labels)
