"""What the kind provider asks of kind: https://kind.sigs.k8s.io/docs/user/configuration/"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import yaml

from conformance.clusters.node import API_SERVER_ENVIRONMENT, CONTROLLER_MANAGER_RATE, POD_PIDS

if TYPE_CHECKING:
    from conformance.clusters.docker import Engine

_ALONE = {"leader-elect": "false"}
"""After a killed node, nobody waits 15 s for the lease of the one that was before."""


def configuration_of(engine: Engine, *, mark: str, of_upstream: bool) -> dict[str, Any]:
    """Return kind's configuration of a cluster with one node.

    ``mark`` is a path in the node that no other cluster has. ``of_upstream`` says whose node image
    it is: ours has the pods' network in it, and its kubelet another driver of cgroups.
    """
    patches: list[dict[str, Any]] = [
        {
            "kind": "ClusterConfiguration",
            "encryptionAlgorithm": "ECDSA-P256",  # whose keys are made much faster
            "etcd": {"local": {"extraArgs": _named({"unsafe-no-fsync": "true"})}},
            "apiServer": {"extraEnvs": _named(API_SERVER_ENVIRONMENT)},
            "controllerManager": {"extraArgs": _named(_ALONE | CONTROLLER_MANAGER_RATE)},
            "scheduler": {"extraArgs": _named(_ALONE)},
        },
        # The suite installs CoreDNS itself, with the platform's names.
        {"kind": "InitConfiguration", "skipPhases": ["preflight", "addon/coredns"]},
        {
            "kind": "KubeletConfiguration",
            "failCgroupV1": False,
            "cgroupDriver": "systemd" if of_upstream else "cgroupfs",
            # What the host does not let its root do is not fatal.
            "featureGates": {"KubeletInUserNamespace": True},
            "serializeImagePulls": False,
            "registryPullQPS": 0,
            "syncFrequency": "10s",
            "podPidsLimit": POD_PIDS,
        },
        {"kind": "KubeProxyConfiguration", "iptables": {"minSyncPeriod": "0.1s"}},
    ]
    return {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "networking": {
            "apiServerAddress": engine.address,
            "apiServerPort": engine.api_port,
            "disableDefaultCNI": not of_upstream,  # ours has pods' network in it
        },
        # Nothing, but at a path that no other cluster has: kind has no labels to give.
        "nodes": [
            {
                "role": "control-plane",
                "extraMounts": [{"hostPath": "/dev/null", "containerPath": mark, "readOnly": True}],
            }
        ],
        "kubeadmConfigPatches": [yaml.safe_dump(patch) for patch in patches],
    }


def _named(values: Mapping[str, str]) -> list[dict[str, str]]:
    """Return arguments, or an environment, in kubeadm's form."""
    return [{"name": name, "value": value} for name, value in values.items()]
