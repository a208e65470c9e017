"""What a provider offers the rest of the suite. A provider never knows a check."""

from __future__ import annotations

import enum
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from conformance.common.errors import HarnessError
from conformance.oci.registry import Registry


class Feature(enum.Enum):
    """What only some providers can do; without it, a check that needs it is "not run"."""

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
    """Why this provider was chosen: as asked, or what ``auto`` found."""
    reused: bool = False
    """True when ``start`` found a kept cluster of this name and took it over."""
    features: frozenset[Feature] = frozenset()
    snapshot: str = ""
    """What it is a fork of, in words; empty: it was brought up afresh."""
    has_apps: bool = False
    """Of a fork: whether the reference apps are installed on it."""
    forked_at: float = 0.0
    """Of a fork: when it was started, in seconds since the epoch."""
    node_image: str = ""
    """Reference and digest of the node's image, if there is one."""
    kubelet_root: str = "/var/lib/kubelet"
    """Folder on the node in which kubelet mounts the volumes of pods."""

    def prepare(self) -> None:  # noqa: B027 - most have nothing to do
        """Do the part of ``start`` that can be done long before; safe to call twice."""

    @property
    def egress(self) -> bool:
        """Whether its node and pods reach what is outside of it, as far as the provider knows."""
        return False

    @property
    def connected(self) -> bool:
        """Whether ``start`` will no longer change the host's network."""
        return False

    @abstractmethod
    def start(self) -> None:
        """Start the cluster, or take over a kept one; returns when its node is Ready."""

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
        ``ghcr.io/a/b`` there, ``docker.io/library/x`` is ``docker.io/library/x``. None if there is
        no registry that both reach.
        """

    def image_registry(self) -> Registry:
        """Return a client of that registry. Raises ``HarnessError`` if there is none."""
        if self.registry is None:
            raise HarnessError(
                f"cluster {self.name} has no registry",
                "publish one in the ConfigMap kube-public/local-registry-hosting (KEP-1755)",
            )
        return Registry(self.registry)

    def push_image(self, layout: Path, reference: str) -> str:
        """Have an image in that registry as ``reference``; return its digest.

        ``layout`` is an OCI layout folder whose blobs are known to be what their digests say.
        """
        return self.image_registry().push_layout(layout, reference)

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
        """Write the logs of the node's own processes to ``folder``, as far as available."""

    def cancel(self) -> None:  # noqa: B027 - only with Feature.SECOND_CLUSTER is it called
        """Let a ``start`` or ``prepare`` in another thread fail soon, with its usual clean-up."""

    @abstractmethod
    def delete(self) -> None:
        """Delete processes, mounts, interfaces, cgroups and files. Safe to call twice."""
