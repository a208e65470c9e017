"""The App protocol: what the capability checks know of an app, whichever it is."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import requests

from conformance.apps import tree
from conformance.kube.client import Kube
from conformance.settings import Timeouts

BACKUP_SET = "stackspin.net/backupSet"
"""Label of the claims and pods whose data Stackspin's backups hold."""


class SeedScale(enum.Enum):
    """How much data: ``SMALL`` takes less than a second, ``FULL`` some seconds."""

    SMALL = "small"
    FULL = "full"


class NoRunningPod(AssertionError):
    """The instance has no pod, or more than one, in which a command could run."""


@dataclass(frozen=True)
class Volume:
    """Persistent data of an app."""

    claim: str
    """The PersistentVolumeClaim's name in a release that is named after the app."""
    pod_volume: str
    """The volume's name in the pod, as ``backup.velero.io/backup-volumes`` lists it."""
    mount_path: str
    live: tuple[str, ...] = ()
    """Paths that change while the app runs; their content is verified through the app."""


@dataclass(frozen=True)
class Instance:
    """A running app: where it is in the cluster, and where its users reach it."""

    kube: Kube
    namespace: str
    selector: str
    """Label selector of its pods."""
    base_url: str
    """Without a slash at the end."""
    session: requests.Session
    container: str
    """The container that has the volumes mounted."""

    def pod(self) -> dict[str, Any]:
        """Return the one pod that runs and is not being deleted. Raises ``NoRunningPod``."""
        pods = self.kube.list("v1", "Pod", self.namespace, labels=self.selector)
        running = [
            pod
            for pod in pods
            if pod["status"].get("phase") == "Running"
            and "deletionTimestamp" not in pod["metadata"]
        ]
        if len(running) != 1:
            seen = {pod["metadata"]["name"]: pod["status"].get("phase") for pod in pods}
            raise NoRunningPod(
                f"{len(running)} running pods instead of 1 with {self.selector} in"
                f" {self.namespace}; there are: {seen or 'none'}"
            )
        return running[0]

    def run(
        self, argv: Sequence[str], stdin: bytes = b"", *, timeout: float = Timeouts.command
    ) -> bytes:
        """Run a command in the app's container; returns its output. Raises ``CommandFailed``."""
        name = self.pod()["metadata"]["name"]
        result = self.kube.exec(
            self.namespace, name, argv, container=self.container, stdin=stdin, timeout=timeout
        )
        return result.check().stdout

    def claim(self, volume: Volume) -> str:
        """Return the name of the claim that the pod has mounted. Raises ``NoRunningPod``."""
        for candidate in self.pod()["spec"]["volumes"]:
            if candidate["name"] == volume.pod_volume:
                return str(candidate.get("persistentVolumeClaim", {}).get("claimName", ""))
        return ""


@dataclass(frozen=True)
class Seed:
    """What was put into an instance, and is to be found there again."""

    number: int
    files: Mapping[str, tree.Manifest]
    """Mount path of a volume -> the paths below it that were made, recursively."""
    roots: Mapping[str, tuple[str, ...]]
    """Mount path -> the trees in which nothing else may be."""
    records: Mapping[str, Any] = field(default_factory=dict)
    """What the app's own interface must tell; its shape is the app's."""


class App(Protocol):
    """An app of the suite."""

    name: str
    """Also the name of its chart (``package.chart``) and its source (``package.app``)."""
    image: str
    """Image repository."""
    volumes: tuple[Volume, ...]

    def seed(self, instance: Instance, scale: SeedScale = SeedScale.FULL, number: int = 1) -> Seed:
        """Put data in, through the app and into its volumes; different numbers do not collide."""

    def verify(self, instance: Instance, seed: Seed) -> None:
        """Raise ``DataDiffers`` unless all that ``seed`` holds is there, and unchanged."""


def volume_manifest(instance: Instance, volume: Volume) -> dict[str, tree.Entry]:
    """Return everything in a volume but what changes while the app runs."""
    found = tree.describe(instance.run, volume.mount_path)
    return {path: entry for path, entry in found.items() if path not in volume.live}
