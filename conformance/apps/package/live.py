"""What there is of a package in a cluster: found by the labels that Flux gives what it applies."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from conformance.kube.client import Kube
from conformance.kube.inventory import ref_of
from conformance.kube.objects import Object, Objects, Ref, Selection

_KUSTOMIZE = "kustomize.toolkit.fluxcd.io"
_HELM = "helm.toolkit.fluxcd.io"
_LASTING = ("Deployment", "StatefulSet", "DaemonSet")
"""Kinds whose pods are meant to run on."""
_WRITE_LABELS = ("kustomize-controller", "helm-controller", "velero")
"""What managers begin with that give an object the labels of who has applied it, or restore them.
"""


@dataclass(frozen=True)
class Workload:
    """A Deployment, StatefulSet or DaemonSet of an app."""

    ref: Ref
    labels: str
    """Selector of its pods."""

    @property
    def pods(self) -> Selection:
        """Its pods."""
        return Selection("v1", "Pod", self.ref.namespace, self.labels)


class LiveApp:
    """The objects of a package in a cluster."""

    def __init__(
        self, kube: Kube, kustomizations: Collection[str], releases: Collection[tuple[str, str]]
    ) -> None:
        """``releases`` are namespaces and names of HelmReleases."""
        self.kube = kube
        self._names = {*kustomizations, *(name for _, name in releases)}
        self._selectors = [f"{_KUSTOMIZE}/name in ({','.join(kustomizations)})"]
        if releases:
            namespaces, names = (
                ",".join(sorted(set(part))) for part in zip(*releases, strict=True)
            )
            helm = f"{_HELM}/name in ({names}),{_HELM}/namespace in ({namespaces})"
            self._selectors.append(helm)

    def is_of_another(self, item: Object) -> bool:
        """Whether Flux or Helm has applied an object for somebody else."""
        names = _appliers(item)
        return bool(names) and names.isdisjoint(self._names) and not _has_copied_labels(item)

    def has(self, item: Object) -> bool:
        """Whether Flux or Helm has applied an object for the package."""
        return not _appliers(item).isdisjoint(self._names)

    def workloads(self) -> list[Workload]:
        """Return what runs pods that are meant to run on, in the order of their names."""
        found = [
            Workload(ref_of(item), _selector(item))
            for item in self._of_kinds(*(("apps/v1", kind) for kind in _LASTING))
        ]
        return sorted(found, key=lambda one: (one.ref.kind, one.ref.name))

    def pods(self) -> Objects:
        """Return the pods of its workloads."""
        return [pod for one in self.workloads() for pod in self.kube.list(*one.pods)]

    def hosts(self) -> list[str]:
        """Return the host names of its Ingresses."""
        rules = [rule for item in self.ingresses() for rule in item["spec"].get("rules") or ()]
        return list(dict.fromkeys(rule["host"] for rule in rules if rule.get("host")))

    def ingresses(self) -> Objects:
        """Return its Ingresses."""
        return self._of_kinds(("networking.k8s.io/v1", "Ingress"))

    def _of_kinds(self, *kinds: tuple[str, str]) -> Objects:
        found = {}
        for api_version, kind in kinds:
            for labels in self._selectors:
                for item in self.kube.list(api_version, kind, labels=labels):
                    full = {**item, "apiVersion": api_version, "kind": kind}
                    found[item["metadata"]["uid"]] = full
        return list(found.values())


def _appliers(item: Object) -> set[str]:
    """Return the Kustomization and the HelmRelease that have applied an object, by name."""
    labels = item["metadata"].get("labels") or {}
    return {labels[key] for key in (f"{_KUSTOMIZE}/name", f"{_HELM}/name") if key in labels}


def _has_copied_labels(item: Object) -> bool:
    """Whether Kubernetes made an object, with labels of the package: a StatefulSet's claim."""
    managers = [one.get("manager", "") for one in item["metadata"].get("managedFields") or ()]
    return bool(managers) and not any(one.startswith(_WRITE_LABELS) for one in managers)


def _selector(item: Object) -> str:
    """Return an object's own selector as a label selector."""
    selector = item["spec"]["selector"]
    parts = [f"{key}={value}" for key, value in (selector.get("matchLabels") or {}).items()]
    for one in selector.get("matchExpressions") or ():
        values = ",".join(one.get("values") or ())
        parts.append(
            {
                "In": f"{one['key']} in ({values})",
                "NotIn": f"{one['key']} notin ({values})",
                "Exists": one["key"],
                "DoesNotExist": f"!{one['key']}",
            }[one["operator"]]
        )
    return ",".join(parts)
