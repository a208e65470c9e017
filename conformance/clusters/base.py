"""What a provider offers the rest of the suite. A provider never knows a check."""

from __future__ import annotations

import enum
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path


class Feature(enum.Enum):
    """What not every provider can do; a check that needs a missing one is "not run: reason"."""

    NODE_SHELL = "commands in the node's own namespaces"
    NODE_KILL = "SIGKILL and restart of the node with its disk"
    SECOND_CLUSTER = "a second cluster beside the first"
    BYTES_ON_DISK = "a look at the node's disk"


class Cluster(ABC):
    """A Kubernetes cluster; methods raise ``HarnessError`` saying what failed and what to do."""

    provider: str
    """embedded, kind or existing."""
    name: str
    choice: str = ""
    """Why this provider: as asked, or what ``auto`` found."""
    reused: bool = False
    """True when ``start`` found a kept cluster of this name and took it over."""
    features: frozenset[Feature] = frozenset()
    node_image: str = ""
    """Reference and digest of the image that the node was made from, where there is one."""
    kubelet_root: str = "/var/lib/kubelet"
    """Folder on the node in which kubelet mounts the volumes of pods."""

    def prepare(self) -> None:  # noqa: B027 - most have nothing to do
        """Do what of ``start`` can be done long before it; safe to call twice."""

    @property
    def connected(self) -> bool:
        """Whether ``start`` will not change the host's network any more."""
        return False

    @abstractmethod
    def start(self) -> None:
        """Bring the cluster up, or take over a kept one; returns when its node is Ready."""

    @property
    @abstractmethod
    def kubeconfig(self) -> Path:
        """A kubeconfig file with administrator rights whose current context is this cluster."""

    @property
    @abstractmethod
    def node_address(self) -> str:
        """IP address at which hostPorts and NodePorts answer to the suite."""

    @property
    @abstractmethod
    def registry(self) -> str | None:
        """``host:port`` (plain HTTP) of the registry the suite pushes to and the node pulls from.

        The node resolves every image reference through it: ``ghcr.io/a/b:1`` is repository
        ``ghcr.io/a/b`` there, ``docker.io/library/x`` is ``docker.io/library/x``. None where the
        cluster has none that both reach.
        """

    @abstractmethod
    def node_run(
        self, argv: Sequence[str], *, stdin: bytes | None = None, timeout: float = 60.0
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command as root in the node's namespaces; does not raise on a non-zero exit status.

        ``Feature.NODE_SHELL``. ``timeout`` in seconds.
        """

    @abstractmethod
    def kill_node(self) -> None:
        """SIGKILL every process of the node at once. ``Feature.NODE_KILL``."""

    @abstractmethod
    def restart_node(self) -> None:
        """Start a killed node with the state on its disk; returns when the node is Ready."""

    @abstractmethod
    def export_logs(self, folder: Path) -> None:
        """Write what the node's own processes said below ``folder``, as far as it can be had."""

    def cancel(self) -> None:  # noqa: B027 - only with Feature.SECOND_CLUSTER is it called
        """Let a ``start`` or ``prepare`` in another thread fail soon, and clean up as ever."""

    @abstractmethod
    def delete(self) -> None:
        """Take away processes, mounts, interfaces, cgroups and files. Safe to call twice."""
