"""An app that Flux installs, backed up, then taken out of Git and lost with its data.

The order in which it comes back: docs/disaster-recovery.md, "An app is not in Git any more".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.apps.altered_byte import prove_comparison
from conformance.apps.loss import lose
from conformance.kube.conditions import deleted, ready
from conformance.kube.inventory import everything, ref_of
from conformance.kube.objects import Object, Ref, Selection
from conformance.kube.wait import Wait, wait_all, wait_each
from conformance.platform.generated_secrets import digests

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.apps.base import Seed
    from conformance.apps.tracked import TrackedApp
    from conformance.kube.client import Kube
    from conformance.services.velero import Velero

OF_KUSTOMIZATION = "kustomize.toolkit.fluxcd.io/name"
"""Label of what Flux applies, which the generated Secrets have from their StringSecrets."""


@dataclass(frozen=True)
class RemovedApp:
    """An app of the tracked branch, and the Velero that backs it up."""

    app: TrackedApp
    velero: Velero

    def seed(self) -> Seed:
        """Put test data into the app; AssertionError if an altered byte of it goes unnoticed."""
        seed = self.app.seed()
        prove_comparison(self.app.app, self.app.instance, seed)
        return seed

    def verify(self, seed: Seed) -> None:
        """Wait until the app runs and is served; raise ``DataDiffers`` unless its data is there."""
        pods = Selection("v1", "Pod", self.app.namespace, self.app.instance.selector)
        wait_each(self._kube, pods, ready())
        self.app.verify(seed)

    def back_up(self) -> dict[str, str]:
        """Back up the app, its data and its generated Secrets; return ``secrets``.

        The pods' claims are in the backup, too, whatever labels they have.
        """
        name, secrets = self.app.name, f"{self.app.name}-secrets"
        self._back_up(name, self.app.namespace, {"app.kubernetes.io/instance": name})
        self._back_up(secrets, self._flux, {OF_KUSTOMIZATION: secrets})
        return self.secrets()

    def lose(self) -> list[str]:
        """Take the app out of Git, and delete what Flux leaves; return what is there still."""
        claims, secrets = self.app.claims(), self._secrets()
        self.app.take_out()
        flux = self.app.branch.flux
        gone = Wait(flux.ref("Kustomization", f"{self.app.name}-secrets"), deleted())
        wait_all(self._kube, [gone], timeout=self._kube.timeouts.reconciliation)
        doomed = [Ref("v1", "Secret", name, self._flux) for name in secrets]
        names = [claim["metadata"]["name"] for claim in claims]
        doomed += [Ref("v1", "PersistentVolumeClaim", one, self.app.namespace) for one in names]
        return lose(self._kube, doomed, claims)

    def restore(self) -> list[Object]:
        """Restore the Secrets, then the app with its data; return both Restores, finished."""
        name, secrets = self.app.name, f"{self.app.name}-secrets"
        self.velero.restore(secrets, secrets, included=["secrets"])
        first = self.velero.finished("Restore", secrets)
        self.velero.restore(name, name)
        return [first, self.velero.finished("Restore", name)]

    def held_by_flux(self) -> list[str]:
        """Return which of Flux's objects of the app are there."""
        flux, name = self.app.branch.flux, self.app.name
        objects = (
            flux.ref("Kustomization", name),
            flux.ref("Kustomization", f"{name}-secrets"),
            flux.ref("HelmRelease", name, self.app.namespace),
        )
        return [str(one) for one in objects if self._kube.find(*one)]

    def delete_restored(self) -> None:
        """Ask for the deletion of what was restored: helm and Flux know nothing of it."""
        places = {self.app.namespace, self._flux}
        for labels in (f"app.kubernetes.io/instance={self.app.name}", self._of_secrets):
            for item in everything(self._kube, labels=labels, namespaces=places):
                self._kube.delete(*ref_of(item))

    def claims(self) -> Mapping[str, str]:
        """Return the UIDs of the app's claims, by name."""
        metadata = [claim["metadata"] for claim in self.app.claims()]
        return {one["name"]: one["uid"] for one in metadata}

    def secrets(self) -> dict[str, str]:
        """Return SHA-256 of each of the app's generated Secrets, by ``NAMESPACE/NAME``."""
        return digests(self._kube, [f"{self._flux}/{name}" for name in self._secrets()])

    def _back_up(self, name: str, namespace: str, labels: Mapping[str, str]) -> None:
        self.velero.back_up(name, namespaces=[namespace], labels=labels)
        self.velero.completed("Backup", name)

    def _secrets(self) -> list[str]:
        found = self._kube.list("v1", "Secret", self._flux, self._of_secrets)
        return [secret["metadata"]["name"] for secret in found]

    @property
    def _of_secrets(self) -> str:
        """Selector of what Flux applies of the app's Secrets."""
        return f"{OF_KUSTOMIZATION}={self.app.name}-secrets"

    @property
    def _flux(self) -> str:
        return self.app.branch.flux.namespace

    @property
    def _kube(self) -> Kube:
        return self.app.branch.kube
