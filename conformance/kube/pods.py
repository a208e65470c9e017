"""Pods that are replaced, as somebody does who restarts a service."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.kube.client import Kube
from conformance.kube.conditions import matching, ready
from conformance.kube.objects import Selection
from conformance.kube.wait import Wait, wait_all


def replace_pods(kube: Kube, which: Sequence[Selection]) -> None:
    """Delete the pods of each selection; returns when others are Ready in their place.

    Raises ``WaitTimeout``.
    """
    pods = [pod["metadata"] for each in which for pod in kube.list(*each)]
    old = {pod["uid"] for pod in pods}
    for pod in pods:
        kube.delete("v1", "Pod", pod["name"], pod["namespace"])
    other = matching("another pod", lambda item: item["metadata"]["uid"] not in old)
    wait_all(kube, [Wait(each, other & ready()) for each in which])
