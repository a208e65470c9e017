"""An app's data is restored before the Secrets and the configuration that its pod mounts.

Step 3 of docs/disaster-recovery.md is left out. The pod cannot start, and Velero copies a volume
only while the pod's init container runs:
https://velero.io/docs/v1.18/file-system-backup/#how-backup-and-restore-work
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.capabilities.disaster_recovery.recovery import DATA
from conformance.common.soon import soon
from conformance.kube.apply import apply
from conformance.kube.conditions import exists, ready
from conformance.kube.objects import Object, Ref
from conformance.kube.wait import wait_each
from conformance.services.velero import API_VERSION

if TYPE_CHECKING:
    from conformance.suite.backed_up_app import BackedUpApp

UNMOUNTED = "reason=FailedMount,involvedObject.kind=Pod"
"""Selects the Events by which kubelet says of pods what it cannot mount."""


@dataclass(frozen=True)
class DataFirst:
    """A restore of an app into an empty namespace, which begins with the data."""

    app: BackedUpApp
    namespace: str
    """Also the name of the Restore."""

    @contextmanager
    def begun(self, backup: str) -> Iterator[None]:
        """Begin to restore claims, and the pod that had them, and nothing else.

        When the body is left, the pod gets what it lacks, and the Restore is over: others wait for
        it.
        """
        kube, velero, pods = self.app.kube, self.app.velero, self.app.pods_in(self.namespace)
        mapping = {self.app.namespace: self.namespace}
        velero.restore(self.namespace, backup, mapping=mapping, included=DATA)
        try:
            wait_each(kube, pods, exists(), timeout=kube.timeouts.backup)
            yield
        finally:
            apply(kube, *map(self._original, self.lacking()), namespace=self.namespace)
            wait_each(kube, pods, ready())  # of a pod that is deleted before, Velero waits for ever
            velero.finished("Restore", self.namespace)

    def lacking(self) -> list[Ref]:
        """Return the Secrets and ConfigMaps that the restored pod mounts and that are not there."""
        kube, namespace = self.app.kube, self.namespace
        mounted = [
            one
            for pod in kube.list(*self.app.pods_in(namespace))
            for volume in pod["spec"]["volumes"]
            for one in _mounted(volume, namespace)
        ]
        return [one for one in mounted if kube.find(*one) is None]

    def told(self, lacking: list[Ref]) -> str:
        """Wait until Events name each of these objects; return what the Events say.

        Raises ``AssertionError`` with what they say if they name fewer.
        """
        names = [f'{one.kind.lower()} "{one.name}"' for one in lacking]
        if not soon(
            lambda: all(name in self._unmounted() for name in names),
            within=self.app.kube.timeouts.pod_ready,
        ):
            raise AssertionError(f"no Event names {', '.join(names)}: {self._unmounted()}")
        return self._unmounted()

    @property
    def phase(self) -> str:
        """The phase that the Restore is in."""
        restore = self.app.kube.get(
            API_VERSION, "Restore", self.namespace, self.app.velero.namespace
        )
        return str(restore["status"]["phase"])

    def _unmounted(self) -> str:
        events = self.app.kube.list("v1", "Event", self.namespace, fields=UNMOUNTED)
        return "\n".join(sorted({str(event["message"]) for event in events}))

    def _original(self, lacking: Ref) -> Object:
        """Return an object as the app has it."""
        found = self.app.kube.get(*lacking._replace(namespace=self.app.namespace))
        labels = found["metadata"].get("labels") or {}
        kept: Object = {
            key: found[key] for key in ("apiVersion", "kind", "type", "data") if key in found
        }
        return {**kept, "metadata": {"name": lacking.name, "labels": labels}}


def _mounted(volume: Object, namespace: str) -> Iterator[Ref]:
    """Yield which Secret or ConfigMap a pod's volume cannot be without."""
    for field, kind, name in (
        ("secret", "Secret", "secretName"),
        ("configMap", "ConfigMap", "name"),
    ):
        source = volume.get(field)
        if source and not source.get("optional"):
            yield Ref("v1", kind, source[name], namespace)
