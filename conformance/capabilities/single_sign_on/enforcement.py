"""Whether the cluster's network does what NetworkPolicies say."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.apps.catalogue import NOTES
from conformance.common.soon import soon
from conformance.kube.apply import apply_file
from conformance.kube.conditions import ready
from conformance.kube.objects import Selection
from conformance.kube.wait import wait_each

if TYPE_CHECKING:
    from conformance.capabilities.single_sign_on.app_sessions import AppSessions
    from conformance.kube.client import Kube

MANIFESTS = Path(__file__).with_name("network_policies.yaml")
SERVER_PORT = 8080
"""Of the pods in these manifests."""

ENFORCED_SECONDS = 5.0
"""Within which the network enforces a policy; it learns of it independently of the pods."""


def enforces_policies(app_sessions: AppSessions, kube: Kube, namespace: str) -> bool:
    """Whether the cluster's network blocks notes from a pod that no policy lets it reach."""
    [server] = app_sessions.pod(NOTES)["spec"]["containers"]
    apply_file(kube, MANIFESTS, namespace=namespace, image=server["image"])
    wait_each(kube, Selection("v1", "Pod", namespace), ready(), minimum=2)
    addresses = {
        pod["metadata"]["name"]: pod["status"]["podIP"] for pod in kube.list("v1", "Pod", namespace)
    }
    reaches = functools.partial(app_sessions.reaches, NOTES, port=SERVER_PORT)
    assert reaches(addresses["open"]), "notes does not reach a pod without a policy"
    return soon(lambda: not reaches(addresses["closed"]), within=ENFORCED_SECONDS)
