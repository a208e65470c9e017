"""A small disk in the place of an app's volume, which fills up and has room again.

The embedded kubelet evicts no pod, and the disk of its node is the host's. So the disk that fills
up is a file system in memory over the folder of one volume, which for the app is the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from conformance.apps.base import SeedScale
from conformance.apps.deployment import container_status
from conformance.apps.notes import Notes
from conformance.clusters.volumes import path_on_node
from conformance.common.soon import soon
from conformance.kube.conditions import Condition, deleted, matching, rolled_out
from conformance.kube.objects import Object, Objects, Ref, Selection
from conformance.kube.wait import wait, wait_each

if TYPE_CHECKING:
    from conformance.apps.base import Seed
    from conformance.apps.deployment import HelmDeployment
    from conformance.clusters.base import Cluster

SIZE = 64
"""MiB: many times what the app has in it, and little of the node's memory."""
LIFETIME = 1800
"""Seconds after which the node itself takes the disk away: a run that is killed cannot."""
WRITES = 5
"""Notes that the app is to store each time."""
_IS_MOUNTED = 'grep --quiet --fixed-strings -- "$1" /proc/self/mounts'
_MOUNT = """
mount -t tmpfs -o "size=$2m,mode=0777" small-disk "$1" || exit
setsid sh -c 'sleep "$2"; umount --lazy "$1"' sh "$1" "$3" </dev/null >/dev/null 2>&1 &
echo $!
"""
"""Prints the number of the session that takes the disk away in the end."""
_UNMOUNT = 'kill -- "-$2"; umount --lazy "$1"'
_FILL = """
dd if=/dev/zero of="$1/filler" bs=64K 2>/dev/null
test $(df --output=avail "$1" | tail -n 1) -eq 0
"""
_FREE = 'rm "$1/filler"'


@dataclass(frozen=True)
class SmallDisk:
    """The volume of an app of the run's own; ``NODE_SHELL`` and ``BYTES_ON_DISK``."""

    deployment: HelmDeployment
    cluster: Cluster

    @contextmanager
    def mounted(self) -> Iterator[None]:
        """Within the body, the app runs with a small disk, empty at first, as its volume.

        No pod has the volume while the disk is mounted: it would be propagated to where kubelet has
        mounted the volume for that one, and taken away with it.
        """
        volume, path = self._volume, path_on_node(self._volume)
        self._scale(0)
        unused = soon(
            lambda: self._node(_IS_MOUNTED, volume["metadata"]["name"]) != 0,
            within=self.deployment.kube.timeouts.volume_reclaimed,
        )
        assert unused, f"{path} is still mounted on the node, though no pod has it"
        session = self._run(_MOUNT, path, str(SIZE), str(LIFETIME))
        try:
            self._scale(1)
            self.deployment.wait_served()
            yield
        finally:
            self._run(_UNMOUNT, path, session)

    @contextmanager
    def full(self) -> Iterator[None]:
        """Within the body, the disk has no room for another byte."""
        path = path_on_node(self._volume)
        self._run(_FILL, path)
        try:
            yield
        finally:
            self._run(_FREE, path)

    def seed(self) -> Seed:
        """Put some test data into the app."""
        return self.deployment.seed(SeedScale.SMALL)

    def store(self) -> tuple[Objects, list[str]]:
        """Have the app store notes.

        Returns those that it says it has stored, and what it answers about the others.
        """
        stored, refused = [], []
        for number in range(WRITES):
            text = f"Is there room for note {number}?"
            try:
                stored.append(Notes().add_note(self.deployment.instance, text))
            except AssertionError as error:
                refused.append(str(error))
        return stored, refused

    def replace_pod(self) -> Object:
        """Delete the app's pod, and return it once another was started, or could not be."""
        pod, kube = self.deployment.instance.pod(), self.deployment.kube
        kube.delete("v1", "Pod", pod["metadata"]["name"], self.deployment.namespace)
        wait_each(kube, self._pods, _tried_after(pod, self.deployment.instance.container))
        return pod

    def verify(self, seed: Seed, stored: Objects) -> None:
        """Raise ``DataDiffers`` unless the app has the test data, and these notes as well."""
        notes = [*seed.records["notes"], *stored]
        both = replace(seed, records={**seed.records, "notes": notes})
        self.deployment.app.verify(self.deployment.instance, both)

    @cached_property
    def _volume(self) -> Object:
        """The PersistentVolume; asked for first while the app has a pod."""
        instance, kube = self.deployment.instance, self.deployment.kube
        name = instance.claim(self.deployment.app.volumes[0])
        claim = kube.get("v1", "PersistentVolumeClaim", name, self.deployment.namespace)
        return kube.get("v1", "PersistentVolume", claim["spec"]["volumeName"])

    @property
    def _pods(self) -> Selection:
        return Selection("v1", "Pod", self.deployment.namespace, self.deployment.instance.selector)

    def _scale(self, replicas: int) -> None:
        """Return when so many pods of the app are Ready, and no other is there."""
        kube, namespace = self.deployment.kube, self.deployment.namespace
        deployment = Ref("apps/v1", "Deployment", self.deployment.app.name, namespace)
        kube.patch(*deployment, {"spec": {"replicas": replicas}})
        wait(kube, deployment, rolled_out(), timeout=kube.timeouts.rollout)
        if not replicas:
            wait_each(kube, self._pods, deleted())

    def _run(self, script: str, *argv: str) -> str:
        answer = self.cluster.node_run(["sh", "-c", script, "small-disk", *argv])
        assert answer.returncode == 0, f"{script.strip()}: {answer.stderr.decode()}"
        return answer.stdout.decode().strip()

    def _node(self, script: str, *argv: str) -> int:
        return self.cluster.node_run(["sh", "-c", script, "small-disk", *argv]).returncode


def _tried_after(pod: Object, container: str) -> Condition:
    """Another pod has started its container, or has failed to: there may be no room for that."""
    uid = pod["metadata"]["uid"]

    def test(item: Object) -> bool:
        if item["metadata"]["uid"] == uid:
            return False
        status = item["status"]
        statuses = [*status.get("initContainerStatuses", ()), *status["containerStatuses"]]
        failed = any(one["restartCount"] for one in statuses)
        return failed or bool(container_status(item, container)["started"])

    return matching("another pod that was started, or has failed", test)
