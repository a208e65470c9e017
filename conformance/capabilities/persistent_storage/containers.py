"""A container that is killed as the kernel kills it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.apps.deployment import HelmDeployment, container_status
from conformance.clusters.containers import sigkill

if TYPE_CHECKING:
    from conformance.clusters.base import Cluster
    from conformance.kube.objects import Object


def kill_container(deployed: HelmDeployment, cluster: Cluster) -> Object:
    """SIGKILL the first process where the app's records are, as the kernel does when memory is
    short; return the pod as it was.
    """
    pod = deployed.instance.pod()
    sigkill(cluster, container_status(pod, deployed.keeper.container))
    return pod
