"""Two backups of one app, and restores of them that are begun at the same time.

Velero restores one after the other: who comes second waits, and finds what the first one made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.apps import tree
from conformance.apps.base import Seed, SeedScale
from conformance.capabilities.backup_restore.stored import actions_of
from conformance.suite.backed_up_app import NO_INGRESS
from conformance.suite.background import Background

if TYPE_CHECKING:
    from conformance.apps.base import Instance
    from conformance.kube.objects import Object, Ref
    from conformance.services.object_store import ObjectStore
    from conformance.suite.backed_up_app import BackedUpApp

OLDER, NEWER, AGAIN = "older", "newer", "newer-again"
"""Ends of the restores' names; the backups' are the first two."""


@dataclass(frozen=True)
class Seeds:
    """What was put into the app."""

    first: Seed
    """Before the older backup: it is in both."""
    second: Seed
    """Between the backups: it is in the newer one alone."""


class AtOnce:
    """Two backups; three restores at once: of each into a namespace, of one into the same again."""

    def __init__(
        self, app: BackedUpApp, store: ObjectStore, older_copy: str, newer_copy: str
    ) -> None:
        self.app = app
        self.older_copy = older_copy
        self.newer_copy = newer_copy
        self._store = store
        self._acts = Background()
        self.seeds = self._acts.then(self._make_backups)
        self.restores = self._acts.then(self._restore)
        """The Restores in a final phase, by the ends of their names."""

    def end(self) -> None:
        """Let the present act be the last; return when it is done."""
        self._acts.end()

    def holds(self, namespace: str, seed: Seed) -> bool:
        """Whether a copy has everything of ``seed``, byte for byte. Waits until it is Ready."""
        with self.app.reached(namespace) as copy:
            return self._has(copy, seed)

    def named_by(self, restore: Object) -> frozenset[Ref]:
        """Return what a restore names as there before, and left as it was."""
        return actions_of(self._store, restore["metadata"]["name"]).left

    def _has(self, copy: Instance, seed: Seed) -> bool:
        try:
            self.app.deployment.app.verify(copy, seed)
        except tree.DataDiffers:
            return False
        return True

    def _make_backups(self) -> Seeds:
        app = self.app
        first = app.install()
        self._back_up(OLDER)
        second = app.deployment.app.seed(app.deployment.instance, SeedScale.SMALL, number=2)
        self._back_up(NEWER)
        return Seeds(first, second)

    def _back_up(self, which: str) -> None:
        name = self._name(which)
        self.app.velero.back_up(name, namespaces=[self.app.namespace])
        self.app.velero.completed("Backup", name)
        self.app.deployment.wait_served()

    def _restore(self) -> dict[str, Object]:
        wanted = {
            OLDER: (OLDER, self.older_copy),
            NEWER: (NEWER, self.newer_copy),
            AGAIN: (NEWER, self.newer_copy),
        }
        velero = self.app.velero
        for name, (backup, namespace) in wanted.items():
            mapping = {self.app.namespace: namespace}
            backup_name = self._name(backup)
            velero.restore(self._name(name), backup_name, mapping=mapping, excluded=NO_INGRESS)
        return {name: velero.finished("Restore", self._name(name)) for name in wanted}

    def _name(self, which: str) -> str:
        return f"{self.app.namespace}-{which}"
