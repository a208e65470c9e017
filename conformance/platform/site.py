"""A cluster with Stackspin on it, and what makes one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from conformance.clusters.base import Cluster
from conformance.clusters.select import make_cluster
from conformance.common.redaction import Redactor
from conformance.common.settings import Settings
from conformance.components.builder import Components
from conformance.kube.client import Kube
from conformance.oci.registry import Registry
from conformance.platform.reference.forked import ForkedStack
from conformance.platform.reference.stack import ReferenceStack
from conformance.platform.stack import Stack
from conformance.platform.tree.given import GivenTree
from conformance.platform.tree.stack import TreeStack

LONGEST_NAME = 32
"""Characters of a cluster's name; if need be, its prefix is cut, not its purpose."""


@dataclass(frozen=True)
class Site:
    """A cluster, the client of its API, and Stackspin on it as far as it was requested."""

    cluster: Cluster
    kube: Kube
    stack: Stack

    @property
    def registry(self) -> Registry:
        """The registry that its node pulls from. Raises ``HarnessError`` if there is none."""
        return self.cluster.image_registry()


@dataclass(frozen=True)
class SiteMaker:
    """Makes the parts of a ``Site``; ``say`` is called with each line that a user is to read."""

    settings: Settings
    components: Components
    redactor: Redactor
    say: Callable[[str], None]
    given: GivenTree | None = None
    """The tree that Stackspin is installed from; None: it is the reference platform."""
    snapshot: str = "never"
    """Whether clusters begin as forks of snapshots: auto, never or require."""
    root: Path | None = None
    """The folder with the charts/ and fixtures/ to install; None: the suite's own."""

    def named_for(self, purpose: str) -> SiteMaker:
        """Return the same for a cluster called ``CLUSTER-PURPOSE``, which is not kept."""
        prefix = self.settings.cluster_name[: LONGEST_NAME - len(purpose) - 1].rstrip("-")
        name = f"{prefix}-{purpose}"
        return replace(self, settings=replace(self.settings, cluster_name=name, keep_cluster=False))

    def cluster(self) -> Cluster:
        """Return the cluster, not started."""
        return make_cluster(self.settings, self.components)

    def kube(self, cluster: Cluster) -> Kube:
        """Return a client of the cluster's API."""
        timeouts = self.settings.timeouts
        return Kube(cluster.kubeconfig, redactor=self.redactor, timeouts=timeouts)

    def stack(self, cluster: Cluster, kube: Kube) -> Stack:
        """Return Stackspin on the cluster, with nothing installed."""
        if self.given is not None:
            return TreeStack(
                self.settings, cluster, kube, self.components, self.given, say=self.say
            )
        kind = ForkedStack if cluster.snapshot else ReferenceStack
        return kind(self.settings, cluster, kube, self.components, root=self.root, say=self.say)

    def site(self, cluster: Cluster) -> Site:
        """Return a started cluster with both."""
        kube = self.kube(cluster)
        return Site(cluster, kube, self.stack(cluster, kube))
