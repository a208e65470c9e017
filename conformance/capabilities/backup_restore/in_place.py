"""An app that is damaged while it runs, and backups that are restored over it.

Velero calls such a Restore Completed. What is there is not as in the backup it leaves alone, or, if
told to update, writes over; a claim's data comes back by neither.
https://velero.io/docs/v1.18/restore-reference/#restore-existing-resource-policy
"""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from conformance.apps import tree
from conformance.apps.altered_byte import alter
from conformance.apps.base import Seed
from conformance.capabilities.backup_restore.stored import (
    actions_of,
    backed_up_objects,
    differing,
)
from conformance.kube.apply import apply
from conformance.kube.objects import Object, Ref
from conformance.suite.background import Background

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.services.object_store import ObjectStore
    from conformance.suite.backed_up_app import BackedUpApp

VARIABLES = "variables"
"""Name of a Secret beside the app, as the secret generator makes one."""


@dataclass(frozen=True)
class Damage:
    """What was done to a running app after its backup."""

    changed: frozenset[Ref]
    """Objects that are there, and not as in the backup."""
    lost: frozenset[Ref]
    """Objects that are gone."""
    differing: frozenset[Ref]
    """What a comparison with the backup finds: it has to find these, and no others."""
    claims: frozenset[Ref]
    """Those whose data is damaged."""
    pod: str
    """UID of the pod that runs on."""

    @property
    def done(self) -> frozenset[Ref]:
        """Every object that was damaged."""
        return self.changed | self.lost


@dataclass(frozen=True)
class RestoredOver:
    """A Restore over a running app, and how the app was afterwards."""

    item: Object
    """Velero's Restore, in a final phase."""
    named: frozenset[Ref]
    """What its results name as left as it was, and not as in the backup."""
    differing: frozenset[Ref]
    """What was not as in the backup."""
    data_differs: tuple[str, ...]
    """How the data in the volumes was not as in the backup, a line each."""
    pod: str
    """UID of the pod that ran."""

    @property
    def warnings(self) -> int:
        """How many warnings the Restore counts."""
        return int(self.item["status"].get("warnings", 0))


class InPlace:
    """An app that is backed up, damaged while it runs, and restored over in both ways."""

    def __init__(self, app: BackedUpApp, store: ObjectStore) -> None:
        self.app = app
        self._store = store
        self._acts = Background()
        self.seed = self._acts.then(self._install)
        """What was put into the app."""
        self._backed_up = self._acts.then(self._back_up)
        self.damage = self._acts.then(self._damage)
        """What was done to the app then."""
        self.left_alone = self._acts.then(lambda: self._restore("none"))
        """A Restore that leaves alone what is there: Velero's own way."""
        self.updated = self._acts.then(lambda: self._restore("update"))
        """A Restore that writes over what is there."""

    def end(self) -> None:
        """Let the present act be the last; return when it is done."""
        self._acts.end()

    def _install(self) -> Seed:
        app = self.app
        apply(app.kube, _variables(self._password()), namespace=app.namespace)
        return app.install()

    def _back_up(self) -> list[Object]:
        name = self.app.namespace
        self.app.velero.back_up(name, namespaces=[name])
        self.app.velero.completed("Backup", name)
        self.app.deployment.wait_served()
        return backed_up_objects(self._store, name)

    def _damage(self) -> Damage:
        kube, namespace, name = self.app.kube, self.app.namespace, self.app.deployment.app.name
        workload = Ref("apps/v1", "Deployment", name, namespace)
        variables = Ref("v1", "Secret", VARIABLES, namespace)
        changes: dict[Ref, Mapping[str, object]] = {
            workload: {"spec": {"revisionHistoryLimit": 1}},  # which makes no other pod
            variables: _variables(self._password()),
        }
        for one in kube.list("v1", "ConfigMap", namespace, self.app.deployment.instance.selector):
            damaged = dict.fromkeys(one["data"], "damaged")
            changes[Ref("v1", "ConfigMap", one["metadata"]["name"], namespace)] = {"data": damaged}
        for ref, body in changes.items():
            kube.patch(*ref, body)
        ingress = Ref("networking.k8s.io/v1", "Ingress", name, namespace)
        kube.delete(*ingress)
        for volume in self.app.deployment.app.volumes:
            alter(self.app.deployment.instance, volume, self.seed.result())
        return Damage(
            changed=frozenset(changes),
            lost=frozenset([ingress]),
            differing=differing(kube, self._backed_up.result()),
            claims=self._claims(),
            pod=self._pod(),
        )

    def _restore(self, existing: Literal["none", "update"]) -> RestoredOver:
        velero, name = self.app.velero, f"{self.app.namespace}-{existing}"
        velero.restore(name, self.app.namespace, existing=existing)
        item = velero.finished("Restore", name)
        self.app.wait_until_served()
        return RestoredOver(
            item,
            named=actions_of(self._store, name).left,
            differing=differing(self.app.kube, self._backed_up.result()),
            data_differs=self._data_differs(),
            pod=self._pod(),
        )

    def _data_differs(self) -> tuple[str, ...]:
        try:
            self.app.deployment.app.verify(self.app.deployment.instance, self.seed.result())
        except tree.DataDiffers as found:
            return found.differences
        return ()

    def _claims(self) -> frozenset[Ref]:
        instance, namespace = self.app.deployment.instance, self.app.namespace
        claims = (instance.claim(volume) for volume in self.app.deployment.app.volumes)
        return frozenset(Ref("v1", "PersistentVolumeClaim", one, namespace) for one in claims)

    def _pod(self) -> str:
        return str(self.app.deployment.instance.pod()["metadata"]["uid"])

    def _password(self) -> str:
        value = secrets.token_urlsafe(24)
        self.app.kube.redactor.learn_value(value)
        return value


def _variables(password: str) -> Object:
    data = {"password": base64.b64encode(password.encode()).decode()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": VARIABLES}, "data": data}
