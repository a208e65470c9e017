"""Apps that lose their data and get it back, in the background: what most checks look at.

Two of them go on side by side. A check asks for the result of the act that it is about, and waits
for it: ``whole_namespace.copied.result()``. If an act failed, that raises its error.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import requests

from conformance.apps.writer import writer_of
from conformance.common.backup_labels import BACKUP_SET
from conformance.kube.objects import Object, Ref
from conformance.services.object_store import ObjectStore
from conformance.suite.backed_up_app import RELEASE_SECONDS, AppBackup, BackedUpApp, is_released
from conformance.suite.background import Background

WRITES = 10
"""What has to be acknowledged before the backup begins: the app is in the midst of it."""
PRE_HOOK = "pre.hook.backup.velero.io/command"


class WholeNamespace:
    """An app that is backed up as a namespace while users write, copied, lost and restored.

    At last one byte of the backup is altered for a while, and it is restored once more.
    """

    def __init__(
        self, app: BackedUpApp, store: ObjectStore | None, copies: tuple[str, str]
    ) -> None:
        """Without ``store``, nothing can be altered: ``damaged`` raises ``LookupError``."""
        self.app = app
        self.copy_namespace, self.damaged_namespace = copies
        self._store = store
        self._acts = Background()
        self.seed = self._acts.then(app.install)
        """What was put into the app."""
        self.writer = self._acts.then(lambda: writer_of(app.deployment))
        """Who writes while the backup is made, as long as the app lets them."""
        self.backup = self._acts.then(self._back_up)
        self.copied = self._acts.then(lambda: self.restore_into(self.copy_namespace))
        """The Restore into ``copy_namespace``, beside the original."""
        self.left = self._acts.then(self._lose)
        """What was still there after the namespace was deleted."""
        self.restored = self._acts.then(self._restore)
        """The Restore of what was lost."""
        self._damaged_since = 0.0
        self.damaged = self._acts.then(self._restore_damaged)
        """The Restore into ``damaged_namespace`` while one byte in the store was altered."""

    @property
    def namespace(self) -> str:
        """Where the app is."""
        return self.app.namespace

    def wait(self) -> None:
        """Return when nothing of this goes on any more."""
        self._acts.wait()

    def end(self) -> None:
        """Let the present act be the last; return when it is done."""
        self._acts.end()

    def restore_into(self, namespace: str) -> Object:
        """Restore the backup into another namespace, to a final phase; return the Restore."""
        return self.app.restore_into(namespace, self.backup.result().name)

    def damaged_is_released(self) -> bool:
        """Whether the pod that was restored from the altered store waits no longer for its data.

        It has ``RELEASE_SECONDS`` for that since the restore has ended, and at least a second from
        now on. Raises ``WaitFailed`` as ``is_released`` does.
        """
        left = self._damaged_since + RELEASE_SECONDS - time.monotonic()
        pods = self.app.pods_in(self.damaged_namespace)
        return is_released(self.app.kube, pods, within=max(left, 1.0))

    def _back_up(self) -> AppBackup:
        with self.writer.result() as writer:
            writer.wait_until_acknowledged(WRITES)
            backup = self.app.back_up(self.namespace)
            writer.stop()
        self.app.deployment.wait_served()
        return backup

    def _lose(self) -> list[str]:
        deployment = self.app.deployment
        lost = self.app.lose(Ref("v1", "Namespace", self.namespace))
        answer = deployment.http.get_unrouted(f"https://{deployment.host}/")
        return [*lost, *(["the app"] if answer.status_code == requests.codes.ok else [])]

    def _restore(self) -> Object:
        self.app.velero.restore(self.namespace, self.backup.result().name)
        return self.app.velero.finished("Restore", self.namespace)

    def _restore_damaged(self) -> Object:
        with self._altered_byte():
            restore = self.restore_into(self.damaged_namespace)
        self._damaged_since = time.monotonic()
        return restore

    @contextlib.contextmanager
    def _altered_byte(self) -> Iterator[None]:
        """Have one altered byte in the middle of the largest object with the volume's data."""
        store = self._store
        if store is None:
            raise LookupError("the suite cannot look into the bucket of the backups")
        packs = store.objects(f"kopia/{self.namespace}/p")
        largest = max(packs, key=lambda name: packs[name])
        store.flip(largest, packs[largest] // 2)
        try:
            yield
        finally:
            store.flip(largest, packs[largest] // 2)


class BackupSet:
    """An app that is backed up by the label of its set; claims and pods are lost and restored."""

    def __init__(self, app: BackedUpApp) -> None:
        self.app = app
        self._acts = Background()
        self.seed = self._acts.then(app.install)
        """What was put into the app."""
        self.backup = self._acts.then(self._back_up)
        self.failed_hook = self._acts.then(self._back_up_with_failing_hook)
        """A backup whose hook ended with an error."""
        self.left = self._acts.then(self._lose)
        """What was still there after the Deployment and its claims were deleted."""
        self.restored = self._acts.then(self._restore)
        """The Restore; the app is deployed again."""

    def end(self) -> None:
        """Let the present act be the last; return when it is done."""
        self._acts.end()

    def _back_up(self) -> AppBackup:
        labels = {BACKUP_SET: self.app.deployment.app.name}
        return self.app.back_up(f"{self.app.namespace}-set", labels)

    def _back_up_with_failing_hook(self) -> AppBackup:
        pod = self.app.deployment.instance.pod()["metadata"]
        before = pod["annotations"].get(PRE_HOOK)
        self._set_hook(pod["name"], '["false"]')
        try:
            return self.app.back_up(f"{self.app.namespace}-hook")
        finally:
            self._set_hook(pod["name"], before)

    def _set_hook(self, pod: str, command: str | None) -> None:
        body = {"metadata": {"annotations": {PRE_HOOK: command}}}
        self.app.kube.patch("v1", "Pod", pod, self.app.namespace, body)

    def _lose(self) -> list[str]:
        kube, namespace = self.app.kube, self.app.namespace
        doomed = [Ref("apps/v1", "Deployment", self.app.deployment.app.name, namespace)]
        for claim in kube.list("v1", "PersistentVolumeClaim", namespace):
            claimed = claim["metadata"]["name"]
            doomed.append(Ref("v1", "PersistentVolumeClaim", claimed, namespace))
        return self.app.lose(*doomed)

    def _restore(self) -> Object:
        name = self.backup.result().name
        self.app.velero.restore(name, name)
        restore = self.app.velero.finished("Restore", name)
        self.app.deployment.upgrade(self.app.chart, self.app.values)
        return restore
