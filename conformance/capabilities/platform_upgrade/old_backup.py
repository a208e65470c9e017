"""A backup that the release before has made of the apps, and what the next one restores of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.services.velero import COMPLETED
from conformance.suite.backed_up_app import NO_INGRESS

if TYPE_CHECKING:
    from conformance.kube.objects import Object
    from conformance.platform.clients import Clients

BACKUP = "before-the-upgrade"
COPIES = "restored-after-the-upgrade"
"""Namespace for what is restored, beside the apps as they are."""
LEFT_OUT = (*NO_INGRESS, "helmreleases.helm.toolkit.fluxcd.io", "oauth2clients.hydra.ory.sh")
"""Of which there must be no copy: Flux would install a second app, and the provider has one client
of each name."""


@dataclass(frozen=True)
class OldBackup:
    """A backup of the namespace of apps, in a final phase."""

    clients: Clients
    item: Object
    """Velero's Backup."""

    @classmethod
    def of_apps(cls, clients: Clients) -> OldBackup:
        """Back up the apps, with the Velero that is there now."""
        velero = clients.velero()
        velero.back_up(BACKUP, namespaces=[clients.platform.apps])
        return cls(clients, velero.finished("Backup", BACKUP))

    def restore(self) -> Object:
        """Restore it into ``COPIES``, with the Velero that is there now; return the Restore.

        Raises ``AssertionError``, with what Velero says, unless backup and Restore are Completed.
        """
        velero = self.clients.velero()
        if self.item["status"]["phase"] != COMPLETED:
            raise AssertionError(velero.explain(self.item))
        mapping = {self.clients.platform.apps: COPIES}
        velero.restore(BACKUP, BACKUP, mapping=mapping, excluded=LEFT_OUT)
        return velero.completed("Restore", BACKUP)
