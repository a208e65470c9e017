"""Who may reach the admin APIs according to the NetworkPolicies.

https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from conformance.kube.objects import Object

if TYPE_CHECKING:
    from conformance.kube.client import Kube
    from conformance.platform.description import Service

PER_NAME = "app.kubernetes.io/name"
ANYBODY = "*"


def admin_peers(kube: Kube, admin: Service) -> set[str]:
    """Return which pods may reach an admin API, by all NetworkPolicies together.

    As values of their label app.kubernetes.io/name; ``*`` where others may as well. Whether the
    cluster's network enforces that is another question. Raises ``AssertionError`` when no pod
    serves it.
    """
    service = kube.get("v1", "Service", admin.name, admin.namespace)["spec"]
    selector = {"matchLabels": service["selector"]}
    pods = [pod for pod in kube.list("v1", "Pod", admin.namespace) if _selects(selector, pod)]
    assert pods, f"no pod serves {admin.name}"
    policies = [
        policy["spec"]
        for policy in kube.list("networking.k8s.io/v1", "NetworkPolicy", admin.namespace)
    ]
    return {
        peer
        for pod in pods
        for port in service["ports"]
        for peer in _peers(pod, _number(pod, port.get("targetPort", port["port"])), policies)
    }


def _peers(pod: Object, port: int | None, policies: Iterable[Object]) -> set[str]:
    """Return who may reach a port of a pod: whom any policy that selects the pod lets in."""
    selecting = [
        policy
        for policy in policies
        if _selects(policy["podSelector"], pod)
        and "Ingress" in policy.get("policyTypes", ["Ingress"])
    ]
    if not selecting:
        return {ANYBODY}
    rules = [rule for policy in selecting for rule in policy.get("ingress") or ()]
    return {
        name
        for rule in rules
        if _covers(rule, pod, port)
        for peer in rule.get("from") or [{}]
        for name in _names_of(peer)
    }


def _covers(rule: Object, pod: Object, port: int | None) -> bool:
    """Whether a rule is about a port of a pod; one without ports is about each."""
    return not rule.get("ports") or any(
        item.get("protocol", "TCP") == "TCP" and _includes(item, pod, port)
        for item in rule["ports"]
    )


def _includes(item: Object, pod: Object, port: int | None) -> bool:
    """Whether an entry of a rule's ports includes this one; a port of no known number counts."""
    if port is None or item.get("port") is None:
        return True
    first = _number(pod, item["port"])
    return first is not None and first <= port <= item.get("endPort", first)


def _number(pod: Object, port: int | str) -> int | None:
    """Return the number of a port that may be given by its name in the pod; None: no such name."""
    if isinstance(port, int):
        return port
    named = {
        item.get("name"): item["containerPort"]
        for container in pod["spec"]["containers"]
        for item in container.get("ports") or ()
    }
    return named.get(port)


def _selects(selector: Object, pod: Object) -> bool:
    """Whether a label selector selects a pod; an empty one selects every pod."""
    labels = pod["metadata"].get("labels") or {}
    wanted = (selector.get("matchLabels") or {}).items()
    expressions = selector.get("matchExpressions") or ()
    return wanted <= labels.items() and all(_holds(each, labels) for each in expressions)


def _holds(expression: Object, labels: Mapping[str, str]) -> bool:
    found, values = labels.get(expression["key"]), expression.get("values") or ()
    return {
        "In": found in values,
        "NotIn": found not in values,
        "Exists": found is not None,
        "DoesNotExist": found is None,
    }[expression["operator"]]


def _names_of(peer: Object) -> Iterator[str]:
    """Return the names that a peer of a NetworkPolicy stands for; ``*`` for any other kind."""
    selector = peer.get("podSelector") or {}
    names = {value for key, value in (selector.get("matchLabels") or {}).items() if key == PER_NAME}
    for expression in selector.get("matchExpressions") or ():
        if expression["key"] == PER_NAME and expression["operator"] == "In":
            names |= set(expression["values"])
    return iter(names if names and set(peer) == {"podSelector"} else {ANYBODY})
