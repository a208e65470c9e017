"""How pods are connected: on one node, so that no routes to others are needed."""

from __future__ import annotations

from typing import Any

POD_SUBNET = "10.244.0.0/24"
"""Also what kubeadm gives to the first node of a kind cluster."""


def pod_network(*, masquerade: bool) -> dict[str, Any]:
    """Return the node's network configuration (CNI specification 1.0.0).

    ``masquerade`` is whether each pod is to get rules by which it is seen outside as the node.
    """
    addresses = {
        "type": "host-local",
        "ranges": [[{"subnet": POD_SUBNET}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    return {
        "cniVersion": "1.0.0",
        "name": "pods",
        "plugins": [
            {"type": "ptp", "ipMasq": masquerade, "ipam": addresses},
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }
