"""What is beside an app: another app, and the platform's own objects."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.kube.inventory import HELM_STORAGE, everything, ref_of

if TYPE_CHECKING:
    from conformance.kube.client import Kube
    from conformance.kube.objects import Object
    from conformance.services.ingress import HttpClient

_CHANGES_BY_ITSELF = frozenset({"HelmChart", "Job", "Pod", "ReplicaSet"})
_CLUSTER_WIDE = frozenset(
    {
        "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "IngressClass",
        "MutatingWebhookConfiguration", "PriorityClass", "StorageClass",
        "ValidatingWebhookConfiguration",
    }
)  # fmt: skip
"""Kinds without a namespace that are compared; the others are Kubernetes' own."""
_VELERO = "velero.io/"


@dataclass(frozen=True)
class Neighbours:
    """Another app with its objects, and the objects of the platform."""

    kube: Kube
    http: HttpClient
    url: str
    namespaces: frozenset[str]
    """Of the other app, and of the platform."""
    before: Mapping[str, str]
    """Their state before the app under test was installed."""

    def changes(self) -> list[str]:
        """Return what is not any more as it was before the app under test, a line each."""
        now = state_of(self.kube, self.namespaces)
        return sorted(
            f"{name} is {'changed' if name in now else 'gone'}"
            for name, state in self.before.items()
            if now.get(name) != state
        )

    def page(self) -> str:
        """Return what the other app answers."""
        return self.http.get_routed(self.url).text.strip()


def state_of(kube: Kube, namespaces: Collection[str]) -> dict[str, str]:
    """Return the state of everything in some namespaces, by object."""
    return {
        str(ref_of(item)): _state(item)
        for item in everything(kube, namespaces=namespaces)
        if item["kind"] not in _CHANGES_BY_ITSELF
        and ("namespace" in item["metadata"] or item["kind"] in _CLUSTER_WIDE)
        and not item["apiVersion"].startswith(_VELERO)
        and item.get("type") != HELM_STORAGE
    }


def _state(item: Object) -> str:
    """Return what another state of an object would differ in; no values of Secrets."""
    metadata = item["metadata"]
    content = json.dumps([item.get("data"), item.get("rules")], sort_keys=True)
    digest = hashlib.sha256(content.encode()).hexdigest()
    return f"{metadata['uid']} {metadata.get('generation')} {digest}"
