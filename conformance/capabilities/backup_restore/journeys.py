"""Apps that lose their data and get it back: what the checks of backups look at.

A journey is one app in a namespace of its own, and steps that follow one another. Two of them go
on side by side while the checks are at their first ones; a check waits for the step that it is
about, and has that step's error if it failed.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pytest
import requests

from conformance.apps import tree
from conformance.apps.backup_rules import backup_findings, expected_volumes
from conformance.apps.base import Instance, Seed, SeedScale
from conformance.apps.deployment import HelmDeployment
from conformance.apps.writer import Writer, writer_of
from conformance.common.backup_labels import BACKUP_SET
from conformance.kube.client import Kube
from conformance.kube.conditions import deleted, ready
from conformance.kube.objects import Object, Ref, Selection
from conformance.kube.port_forward import forward
from conformance.kube.wait import Wait, WaitTimeout, wait_all, wait_each
from conformance.platform.reference.steps import Steps
from conformance.services.object_store import ObjectStore
from conformance.services.velero import COMPLETED, Velero, waits_for_data

"""An object: API version, kind, name and namespace."""
Result = TypeVar("Result")
WRITES = 10
"""What has to be acknowledged before the backup begins: the app is in the midst of it."""
RELEASE_SECONDS = 10.0
"""In which a pod goes on whose volumes are restored: both it and kubelet look every second."""
PRE_HOOK = "pre.hook.backup.velero.io/command"
NO_INGRESS = ("ingresses.networking.k8s.io",)
"""What a copy beside the original leaves out: one host name belongs to one of them."""


@dataclass(frozen=True)
class Place:
    """Where a journey goes: Velero and its store, and what the app is installed from."""

    velero: Velero
    store: ObjectStore
    chart: Path
    values: Mapping[str, Any]
    defect: Mapping[str, str]
    """Settings of the twin that the checks run against; empty in a normal run."""


class Journey:
    """An app, installed from its chart and seeded; the steps after that are a subclass's."""

    steps: ClassVar[tuple[str, ...]]
    """Names of the methods that are the steps, in their order."""

    def __init__(self, deployment: HelmDeployment, place: Place) -> None:
        self.deployment = deployment
        self.place = place
        self._steps = Steps()
        self._missing: dict[str, list[str]] = {}
        """Name of a backup -> claims of the app, as it was then, that it does not hold."""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._go, daemon=True)

    def begin(self) -> None:
        """Take step after step in the background."""
        self._thread.start()

    def wait(self) -> None:
        """Return when no further step is taken: after the last one, or one that failed."""
        self._thread.join()

    def end(self) -> None:
        """Take no further step; return when the present one is done."""
        self._ended.set()
        self.wait()

    @property
    def namespace(self) -> str:
        """Where the app is."""
        return self.deployment.namespace

    def seed(self) -> Seed:
        """Return what was put into the app."""
        return self._reach(self._install)

    def missing_volumes(self, backup: Object) -> list[str]:
        """Return the app's claims that a backup does not hold, and why that may be."""
        return self._missing[backup["metadata"]["name"]]

    def _missing_volumes(self, backup: Object) -> list[str]:
        kube, pods = self.deployment.kube, [self.deployment.instance.pod()]
        copied = {
            (one.pod, one.volume)
            for one in self.place.velero.volumes(backup)
            if one.phase == COMPLETED and one.namespace == self.namespace
        }
        missing = [
            f"claim {one.claim} (volume {one.volume} of pod {one.pod}) is not in the backup"
            for one in expected_volumes(pods)
            if (one.pod, one.volume) not in copied
        ]
        claims = kube.list("v1", "PersistentVolumeClaim", self.namespace)
        return [*missing, *backup_findings(pods, claims, kube.list("v1", "PersistentVolume"))]

    def _install(self) -> Seed:
        """Install and seed.

        One altered byte in any volume has to be noticed, or the comparisons of later steps would
        prove nothing.
        """
        deployment, app = self.deployment, self.deployment.app
        deployment.install(self.place.chart, self.place.values)
        seed = app.seed(deployment.instance, SeedScale.SMALL)
        for volume in app.volumes:
            files = seed.files[volume.mount_path]
            largest = max(files, key=lambda path: files[path].size)
            run, path = deployment.instance.holding(volume).run, f"{volume.mount_path}/{largest}"
            tree.alter(run, path)
            with pytest.raises(tree.DataDiffers, match="sha256"):
                app.verify(deployment.instance, seed)
            tree.alter(run, path)
        return seed

    def _back_up(self, name: str, labels: Mapping[str, str] | None = None) -> Object:
        velero = self.place.velero
        velero.back_up(name, namespaces=[self.namespace], labels=labels)
        backup = velero.finished("Backup", name)
        self._missing[name] = self._missing_volumes(backup)  # the next steps take the app away
        return backup

    def _verify(self, instance: Instance) -> None:
        """Wait until the app runs again; raises ``DataDiffers`` unless all of its data is there."""
        pods = Selection("v1", "Pod", instance.namespace, instance.selector)
        wait_each(self.deployment.kube, pods, ready())
        if instance == self.deployment.instance:  # the others are reached without the ingress
            self.deployment.wait_served()
        self.deployment.app.verify(instance, self.seed())

    def _reach(self, step: Callable[[], Result]) -> Result:
        """Take every step up to this one that was not taken; return what this one returned."""
        for name in self.steps:
            taken = getattr(self, name)
            result: Result = self._steps.run(name, taken)
            if taken == step:
                return result
        raise LookupError(step)

    def _go(self) -> None:
        with contextlib.suppress(Exception):  # a check that asks for the step has its error
            for name in self.steps:
                if self._ended.is_set():
                    return
                self._steps.run(name, getattr(self, name))


class WholeNamespace(Journey):
    """Backed up as a namespace while people write, copied, lost and restored, then damaged."""

    steps = ("_install", "_back_up_namespace", "_copy", "_lose", "_restore", "_restore_damaged")

    def __init__(self, deployment: HelmDeployment, place: Place, copies: tuple[str, str]) -> None:
        super().__init__(deployment, place)
        self.copy_namespace, self.damaged_namespace = copies
        self.writer: Writer | None = None
        """Who wrote while the backup was made, as long as the app let them."""

    def backup(self) -> Object:
        """Return the backup of the namespace, in a final phase."""
        return self._reach(self._back_up_namespace)

    def copied(self) -> Object:
        """Return the restore into another namespace; all data was found there."""
        return self._reach(self._copy)

    def left(self) -> list[str]:
        """Return what was still there after the namespace was deleted."""
        return self._reach(self._lose)

    def restored(self) -> Object:
        """Return the restore of what was lost; all data was found in it."""
        return self._reach(self._restore)

    def restored_damaged(self) -> Object:
        """Return the restore into another namespace after one byte in the store was altered."""
        return self._reach(self._restore_damaged)

    def damaged_is_released(self) -> bool:
        """Whether the pod that was restored from the altered store waits no longer for its data.

        Raises ``WaitFailed`` unless there is a pod, and it waits, when the restore has ended.
        """
        kube, selector = self.deployment.kube, self.deployment.instance.selector
        pods = Selection("v1", "Pod", self.damaged_namespace, selector)
        wait_each(kube, pods, waits_for_data(), fail_on=ready())
        try:
            wait_each(kube, pods, ~waits_for_data(), timeout=RELEASE_SECONDS)
        except WaitTimeout:
            return False
        return True

    def copied_instance(self) -> contextlib.AbstractContextManager[Instance]:
        """Yield the copy, which no host name leads to."""
        return forwarded(self.deployment, self.deployment.kube, self.copy_namespace)

    def copy_into(self, namespace: str) -> Object:
        """Restore the backup into another namespace; return that, all data was found there."""
        velero, mapping = self.place.velero, {self.namespace: namespace}
        velero.restore(namespace, self.namespace, mapping=mapping, excluded=NO_INGRESS)
        restore = velero.completed("Restore", namespace)
        with forwarded(self.deployment, self.deployment.kube, namespace) as copy:
            self._verify(copy)
        return restore

    def _back_up_namespace(self) -> Object:
        self.writer = writer_of(self.deployment)
        with self.writer:
            self.writer.wait_until_acknowledged(WRITES)
            backup = self._back_up(self.namespace)
            self.writer.stop()
        self.deployment.wait_served()
        return backup

    def _copy(self) -> Object:
        return self.copy_into(self.copy_namespace)

    def _lose(self) -> list[str]:
        kube = self.deployment.kube
        lost = lose(kube, self.namespace, [Ref("v1", "Namespace", self.namespace)])
        answer = self.deployment.http.get_unrouted(f"https://{self.deployment.host}/")
        return [*lost, *(["the app"] if answer.status_code == requests.codes.ok else [])]

    def _restore(self) -> Object:
        velero = self.place.velero
        velero.restore(self.namespace, self.namespace)
        restore = velero.completed("Restore", self.namespace)
        self._verify(self.deployment.instance)
        return restore

    def _restore_damaged(self) -> Object:
        velero, name = self.place.velero, self.damaged_namespace
        whole = "undamaged" in self.place.defect
        with contextlib.nullcontext() if whole else self._damage():
            mapping = {self.namespace: name}
            velero.restore(name, self.namespace, mapping=mapping, excluded=NO_INGRESS)
            restore = velero.finished("Restore", name)
        if "replaced" in self.place.defect:
            # The next one has nothing that makes it wait for its data.
            kill_pods(self.deployment.kube, name, self.deployment.instance.selector)
        return restore

    @contextlib.contextmanager
    def _damage(self) -> Iterator[None]:
        """Have one altered byte in the middle of the largest object with the volume's data."""
        store = self.place.store
        packs = store.objects(f"kopia/{self.namespace}/p")
        largest = max(packs, key=lambda name: packs[name])
        store.flip(largest, packs[largest] // 2)
        try:
            yield
        finally:
            store.flip(largest, packs[largest] // 2)


class BackupSet(Journey):
    """Backed up by the label of its set; claims and pods lost, and restored from that."""

    steps = ("_install", "_back_up_set", "_fail_hook", "_lose", "_restore")

    def backup(self) -> Object:
        """Return the backup of the set, in a final phase."""
        return self._reach(self._back_up_set)

    def backup_with_failing_hook(self) -> Object:
        """Return a backup, in a final phase, whose hook ended with an error."""
        return self._reach(self._fail_hook)

    def left(self) -> list[str]:
        """Return what was still there after the Deployment and its claims were deleted."""
        return self._reach(self._lose)

    def restored(self) -> Object:
        """Return the restore; all data was found in the app, deployed again."""
        return self._reach(self._restore)

    def _back_up_set(self) -> Object:
        return self._back_up(f"{self.namespace}-set", {BACKUP_SET: self.deployment.app.name})

    def _fail_hook(self) -> Object:
        hook = self.place.defect.get("hook", '["false"]')
        pod = self.deployment.instance.pod()["metadata"]
        before = pod["annotations"].get(PRE_HOOK)
        self._set_hook(pod["name"], hook)
        try:
            return self._back_up(f"{self.namespace}-hook")
        finally:
            self._set_hook(pod["name"], before)

    def _set_hook(self, pod: str, command: str | None) -> None:
        body = {"metadata": {"annotations": {PRE_HOOK: command}}}
        self.deployment.kube.patch("v1", "Pod", pod, self.namespace, body)

    def _lose(self) -> list[str]:
        kube, name = self.deployment.kube, self.deployment.app.name
        doomed = [Ref("apps/v1", "Deployment", name, self.namespace)]
        for claim in kube.list("v1", "PersistentVolumeClaim", self.namespace):
            claimed = claim["metadata"]["name"]
            doomed.append(Ref("v1", "PersistentVolumeClaim", claimed, self.namespace))
        return lose(kube, self.namespace, doomed)

    def _restore(self) -> Object:
        velero, name = self.place.velero, f"{self.namespace}-set"
        velero.restore(name, name)
        restore = velero.completed("Restore", name)
        self.deployment.upgrade(self.place.chart, self.place.values)
        self._verify(self.deployment.instance)
        return restore


def lose(kube: Kube, namespace: str, doomed: Sequence[Ref]) -> list[str]:
    """Delete objects and wait until they and the namespace's volumes are gone.

    Returns what is there nevertheless. Raises ``WaitTimeout``.
    """
    claims = kube.list("v1", "PersistentVolumeClaim", namespace)
    volumes = [item["spec"]["volumeName"] for item in claims]
    for one in doomed:
        kube.delete(*one)
    lost = [*doomed, *(Ref("v1", "PersistentVolume", name) for name in volumes)]
    wait_all(kube, [Wait(one, deleted()) for one in lost], timeout=kube.timeouts.deletion)
    return [f"{one.kind} {one.name}" for one in lost if kube.find(*one)]


def kill_pods(kube: Kube, namespace: str, selector: str) -> None:
    """Kill all pods that a selector selects, with no time to say anything."""
    for pod in kube.list("v1", "Pod", namespace, selector):
        kube.delete("v1", "Pod", pod["metadata"]["name"], namespace, grace_seconds=0)


@contextlib.contextmanager
def forwarded(deployment: HelmDeployment, kube: Kube, namespace: str) -> Iterator[Instance]:
    """Yield a copy of an app in another namespace or cluster, reached without its host name."""
    pods = Selection("v1", "Pod", namespace, deployment.instance.selector)
    pod = wait_each(kube, pods, ready())[0]
    with (
        forward(kube, namespace, pod["metadata"]["name"], _http_port(pod)) as port,
        requests.Session() as session,
    ):
        session.trust_env = False
        # As the ingress would say it: some apps send whoever comes otherwise to their own name.
        session.headers.update({"Host": deployment.host, "X-Forwarded-Proto": "https"})
        yield replace(
            deployment.instance,
            kube=kube,
            namespace=namespace,
            base_url=f"http://127.0.0.1:{port}",
            session=session,
        )


def _http_port(pod: Object) -> int:
    """Return the port at which an app's pod serves: the Service gets to know it a little later."""
    ports = (port for one in pod["spec"]["containers"] for port in one.get("ports") or ())
    return next(int(port["containerPort"]) for port in ports if port.get("name") == "http")
