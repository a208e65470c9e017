"""The order in which manifests are applied, and the wait that lies between."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conformance.kube.conditions import condition_true
from conformance.kube.wait import wait_for

if TYPE_CHECKING:
    from conformance.kube.client import Kube

_CRD = ("apiextensions.k8s.io/v1", "CustomResourceDefinition")
_CRD_TIMEOUT = 30.0
"""Seconds; a CRD is Established 0.1 s after it was applied, unless its names clash."""

Manifest = Mapping[str, Any]


@dataclass
class Ordered:
    """Namespaces and CRDs, then everything else in the order given."""

    first: list[Manifest] = field(default_factory=list)
    rest: list[Manifest] = field(default_factory=list)


def in_order(manifests: Iterable[Manifest]) -> Ordered:
    """Sort manifests; a ``List`` counts as its items."""
    ordered = Ordered()
    for item in manifests:
        if item["kind"] == "List":
            inner = in_order(item["items"])
            ordered.first += inner.first
            ordered.rest += inner.rest
        elif item["kind"] in ("Namespace", "CustomResourceDefinition"):
            ordered.first.append(item)
        else:
            ordered.rest.append(item)
    ordered.first.sort(key=lambda item: item["kind"] != "Namespace")
    return ordered


def wait_established(kube: Kube, manifests: Iterable[Manifest]) -> set[tuple[str, str]]:
    """Wait until the CRDs among ``manifests`` are Established; return (apiVersion, kind) of each.

    Raises ``WaitTimeout``, for example where another CRD has taken the name.
    """
    kinds: set[tuple[str, str]] = set()
    for item in manifests:
        if item["kind"] != "CustomResourceDefinition":
            continue
        name = item["metadata"]["name"]
        wait_for(kube, condition_true("Established"), *_CRD, name=name, timeout=_CRD_TIMEOUT)
        group = item["spec"]["group"]
        for version in item["spec"]["versions"]:
            kinds.add((f"{group}/{version['name']}", item["spec"]["names"]["kind"]))
    return kinds
