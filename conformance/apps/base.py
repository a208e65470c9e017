"""The App protocol: what the checks know about any app."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any, Protocol

import requests

from conformance.apps import tree
from conformance.kube.client import Kube
from conformance.kube.execution import execute


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
    """Files and trees that change while the app runs; verified through the app."""
    container: str = ""
    """The container that mounts it; empty: the instance's container."""


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
    """The container that serves, and that mounts every volume without a ``container``."""

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
        self, argv: Sequence[str], stdin: bytes = b"", *, timeout: float | None = None
    ) -> bytes:
        """Run a command in the app's container; returns its output. Raises ``CommandFailed``."""
        name = self.pod()["metadata"]["name"]
        result = execute(
            self.kube,
            self.namespace,
            name,
            argv,
            container=self.container,
            stdin=stdin,
            timeout=timeout,
        )
        return result.check().stdout

    def holding(self, volume: Volume) -> Instance:
        """Return the same instance, with ``run`` in the container that mounts this volume."""
        return replace(self, container=volume.container) if volume.container else self

    def claim(self, volume: Volume) -> str:
        """Return the name of the claim that the pod mounts. Raises ``NoRunningPod``."""
        for candidate in self.pod()["spec"]["volumes"]:
            if candidate["name"] == volume.pod_volume:
                return str(candidate.get("persistentVolumeClaim", {}).get("claimName", ""))
        return ""


@dataclass(frozen=True)
class Seed:
    """Test data that was put into an instance and must be found there again."""

    number: int
    files: Mapping[str, tree.Manifest]
    """Mount path of a volume -> the paths created below it, recursively."""
    roots: Mapping[str, tuple[str, ...]]
    """Mount path -> the trees that may contain nothing else."""
    records: Mapping[str, Any] = field(default_factory=dict)
    """What the app's own interface must return; the app defines its form."""


@dataclass(frozen=True)
class Configuration:
    """Where an app's configuration is, and in which format."""

    directory: str
    """In the image; it has ``default.SUFFIX``, and may have ``override.SUFFIX`` mounted."""
    suffix: str
    parse: Callable[[str], Mapping[str, Any]]
    separator: str
    """Between a key and a value, which is written as JSON."""
    environment: str
    """Prefix of its environment variables."""

    @property
    def default(self) -> str:
        """Path of the default configuration."""
        return f"{self.directory}/default.{self.suffix}"

    @property
    def override(self) -> str:
        """Path where an extra file may be mounted."""
        return f"{self.directory}/override.{self.suffix}"

    def line(self, key: str, value: str) -> str:
        """Return a line of a configuration file; ``value`` is written as given."""
        return f"{key}{self.separator}{value}"


@dataclass(frozen=True)
class SecretFile:
    """A Secret that an operator adds by hand, and its file in the app's container."""

    value: str
    """The chart's value whose ``existingSecret`` names it."""
    key: str
    path: str


@dataclass(frozen=True)
class Login:
    """How users log in to an app with the platform's login, and how it shows who is logged in."""

    path: str
    """Where a login begins."""
    callback: str
    """To which the provider sends users back."""
    profile: str
    """What this address returns contains the e-mail address of the user who is logged in."""
    user: str
    """CSS selector of the user's name on the first page."""
    marker: str
    """Part of the first page's source when somebody is logged in, and only then."""
    logout: str
    """CSS selector of the link that logs out."""
    api_access: str = ""
    """The chart's value for a token of the app's API, which with a login is not open to all."""


class App(Protocol):
    """An app of the suite."""

    name: str
    """Also the name of its chart (``package.chart``) and its source (``package.app``)."""
    image: str
    """Image repository."""
    volumes: tuple[Volume, ...]
    """The first has the app's records."""
    configuration: Configuration
    secret: SecretFile
    login: Login
    maintenance_file: str
    """While this file is in its container, the app is not ready."""

    def seed(self, instance: Instance, scale: SeedScale = SeedScale.FULL, number: int = 1) -> Seed:
        """Put test data in, through the app and into its volumes; each number gives other data."""

    def verify(self, instance: Instance, seed: Seed) -> None:
        """Raise ``DataDiffers`` unless everything in ``seed`` exists unchanged."""

    def accepts(self, instance: Instance, secret: str) -> bool:
        """Return whether the app accepts ``secret`` for what its Secret protects."""


def volume_manifest(instance: Instance, volume: Volume) -> dict[str, tree.Entry]:
    """Return everything in a volume except what changes while the app runs."""
    found = tree.describe(instance.holding(volume).run, volume.mount_path)
    live = {*volume.live}
    return {
        path: entry
        for path, entry in found.items()
        if live.isdisjoint([path, *map(str, PurePosixPath(path).parents)])
    }
