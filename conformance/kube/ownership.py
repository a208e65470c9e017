"""Which pods stand behind an object: by owner references, Flux's labels and inventories."""

from __future__ import annotations

from collections.abc import Iterable

from conformance.kube.client import Kube
from conformance.kube.objects import Object, Objects

_OWNERS = (
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("apps/v1", "ReplicaSet"),
    ("batch/v1", "CronJob"),
    ("batch/v1", "Job"),
)
Reference = tuple[str, str, str]
"""Kind, namespace, name."""


def pods_behind(kube: Kube, item: Object) -> Objects:
    """Return the pods an object stands or falls with, those not Ready first.

    Its own pods (through ReplicaSets and Jobs too); of a HelmRelease those of the workloads it
    labelled, of a Kustomization those of its inventory (HelmReleases included); of a claim those
    that mount it; of a Service those it selects; of a Namespace all.
    """
    metadata = item["metadata"]
    home = metadata["name"] if item["kind"] == "Namespace" else metadata.get("namespace", "")
    roots = {_reference(item)}
    if item["kind"] == "Kustomization":
        roots |= set(_inventory(item))
    releases = {(ns, name) for kind, ns, name in roots if kind == "HelmRelease"}
    namespaces = {ns for _, ns, _ in roots if ns} | {home} - {""}
    if item["kind"] == "HelmRelease":
        namespaces.add((item.get("spec") or {}).get("targetNamespace") or home)
    found: Objects = []
    for namespace in sorted(namespaces):
        found += _pods_in(kube, namespace, item, roots, releases)
    return sorted(found, key=_is_ready)


def _pods_in(
    kube: Kube,
    namespace: str,
    item: Object,
    roots: set[Reference],
    releases: set[tuple[str, str]],
) -> Objects:
    owners = [one for owner in _OWNERS for one in kube.list(*owner, namespace)]
    reached = set(roots)
    for owner in owners:
        labels = owner["metadata"].get("labels") or {}
        release = (
            labels.get("helm.toolkit.fluxcd.io/namespace"),
            labels.get("helm.toolkit.fluxcd.io/name"),
        )
        if release in releases:
            reached.add(_reference(owner))
    while True:  # a Deployment's ReplicaSets, a CronJob's Jobs
        more = {_reference(owner) for owner in owners if _owned_by(owner, reached)} - reached
        if not more:
            break
        reached |= more
    return [
        pod
        for pod in kube.list("v1", "Pod", namespace)
        if _reference(pod) in reached or _owned_by(pod, reached) or _uses(pod, item)
    ]


def _uses(pod: Object, item: Object) -> bool:
    name, kind = item["metadata"]["name"], item["kind"]
    if kind == "Namespace":
        return True
    if kind == "PersistentVolumeClaim":
        claims = (volume.get("persistentVolumeClaim") or {} for volume in _volumes(pod))
        return any(claim.get("claimName") == name for claim in claims)
    if kind == "Service" and (selector := (item.get("spec") or {}).get("selector")):
        labels = pod["metadata"].get("labels") or {}
        return all(labels.get(key) == value for key, value in selector.items())
    return False


def _volumes(pod: Object) -> Iterable[Object]:
    return (pod.get("spec") or {}).get("volumes") or ()


def _inventory(kustomization: Object) -> Iterable[Reference]:
    """Yield references from ids ``namespace_name_group_kind``.

    https://fluxcd.io/flux/components/kustomize/kustomizations/#inventory
    """
    inventory = (kustomization.get("status") or {}).get("inventory") or {}
    for entry in inventory.get("entries") or ():
        namespace, name, _, kind = entry["id"].split("_")
        yield kind, namespace, name


def _owned_by(item: Object, owners: set[Reference]) -> bool:
    namespace = item["metadata"].get("namespace", "")
    references = item["metadata"].get("ownerReferences") or ()
    return any((one["kind"], namespace, one["name"]) in owners for one in references)


def _reference(item: Object) -> Reference:
    return item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"]


def _is_ready(pod: Object) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
