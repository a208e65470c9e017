"""A backup that the release before has made of the apps, and what the next one restores of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.kube.conditions import deleted
from conformance.kube.objects import Object, Ref
from conformance.kube.wait import wait
from conformance.services.velero import COMPLETED
from conformance.suite.backed_up_app import NO_INGRESS

if TYPE_CHECKING:
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

    @contextmanager
    def restored(self) -> Iterator[Object]:
        """Within the body, it is restored into ``COPIES``, by the Velero that is there now.

        Yields the Restore. Raises ``AssertionError``, with what Velero says, unless backup and
        Restore are Completed.
        """
        velero = self.clients.velero()
        if self.item["status"]["phase"] != COMPLETED:
            raise AssertionError(velero.explain(self.item))
        mapping = {self.clients.platform.apps: COPIES}
        try:
            velero.restore(BACKUP, BACKUP, mapping=mapping, excluded=LEFT_OUT)
            yield velero.completed("Restore", BACKUP)
        finally:
            self._delete_copies()

    def _delete_copies(self) -> None:
        """Delete them: what is looked at later is the platform as it was.

        And a restored pod that is started again, as after a restart of the node, waits for its data
        for ever: https://github.com/vmware-tanzu/velero/blob/v1.18.1/cmd/velero-restore-helper
        """
        kube, copies = self.clients.kube, Ref("v1", "Namespace", COPIES)
        kube.delete(*copies)
        wait(kube, copies, deleted(), timeout=kube.timeouts.deletion)
