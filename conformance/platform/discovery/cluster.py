"""The objects of a cluster that discovery looks at: read once, side by side, never changed."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from conformance.common.errors import HarnessError
from conformance.kube.client import Kube
from conformance.kube.errors import ApiError, Forbidden, NotFound
from conformance.kube.objects import Object, Objects

KINDS = {
    "Namespace": "v1",
    "Node": "v1",
    "Pod": "v1",
    "Service": "v1",
    "ConfigMap": "v1",
    "PersistentVolumeClaim": "v1",
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "Ingress": "networking.k8s.io/v1",
    "IngressClass": "networking.k8s.io/v1",
    "StorageClass": "storage.k8s.io/v1",
    "GitRepository": "source.toolkit.fluxcd.io",
    "Kustomization": "kustomize.toolkit.fluxcd.io",
    "HelmRelease": "helm.toolkit.fluxcd.io",
    "BackupStorageLocation": "velero.io",
}
"""Kind -> its API version; of a custom resource its group, as clusters serve several versions."""
_THREADS = 8

Secrets = Callable[[str, str], Mapping[str, str]]
"""Returns the texts of a Secret by namespace and name; nothing if it cannot be read."""


@dataclass(frozen=True)
class Cluster:
    """What is on a cluster."""

    objects: Mapping[str, Objects]
    """By kind."""
    secret: Secrets = field(repr=False)
    unread: Mapping[str, str] = field(default_factory=dict)
    """Kind -> why its objects could not be read."""
    unserved: frozenset[str] = frozenset()
    """Groups of custom resources that the API server does not know."""

    def all(self, kind: str, namespace: str | None = None) -> Objects:
        """Return the objects of a kind in a namespace, or in all; those being deleted are none."""
        return [
            item
            for item in self.objects.get(kind, ())
            if namespace in (None, namespace_of(item))
            and "deletionTimestamp" not in item["metadata"]
        ]

    def refuse_unread(self, name: str) -> None:
        """Raise HarnessError unless all of the cluster called ``name`` could be read."""
        if self.unread:
            lines = "\n".join(f"  {kind}: {why}" for kind, why in self.unread.items())
            raise HarnessError(
                f"what is on {name} cannot be read\n{lines}",
                "give a kubeconfig or context whose user may list all of these",
            )

    def pods(self, namespace: str | None = None) -> Objects:
        """Return the pods of a namespace, or all; those that have ended are none."""
        return [
            pod
            for pod in self.all("Pod", namespace)
            if pod.get("status", {}).get("phase") not in ("Succeeded", "Failed")
        ]

    def find(self, kind: str, name: str, namespace: str | None = None) -> Object | None:
        """Return one object; None if it does not exist. ``namespace``: None for kinds without."""
        named = (item for item in self.all(kind, namespace) if name_of(item) == name)
        return next(named, None)

    def selected(self, selector: Mapping[str, str], namespace: str) -> Objects:
        """Return the pods of a namespace with all these labels."""
        return [pod for pod in self.pods(namespace) if selector.items() <= labels_of(pod).items()]

    def controller(self, pod: Object) -> Object | None:
        """Return the Deployment, StatefulSet or DaemonSet that made a pod; None: none did.

        Selectors alone do not tell: that of Velero's Deployment selects its node agents, too.
        """
        owners = pod["metadata"].get("ownerReferences") or ()
        for owner in owners:
            kind, name, namespace = owner["kind"], str(owner["name"]), namespace_of(pod)
            if kind in ("StatefulSet", "DaemonSet"):
                return self.find(kind, name, namespace)
            if kind == "ReplicaSet":  # called like its Deployment, and a hash
                return self.find("Deployment", name.rpartition("-")[0], namespace)
        return None

    def services(self, pod: Object) -> Iterator[Object]:
        """Yield the Services that lead to a pod."""
        for service in self.all("Service", namespace_of(pod)):
            selector = service["spec"].get("selector") or {}
            if selector and selector.items() <= labels_of(pod).items():
                yield service


def read_cluster(kube: Kube) -> Cluster:
    """Return what is on a cluster. Raises ``Unreachable``, and ``Forbidden`` for a stranger."""
    served = {one.partition("/")[0]: one for one in kube.discovery.group_versions() if "/" in one}
    unread: dict[str, str] = {}
    unserved = frozenset(one for one in KINDS.values() if _is_group(one) and one not in served)

    def read(kind: str) -> Objects:
        version = KINDS[kind]
        if version in unserved:
            return []
        if _is_group(version):
            version = served[version]
        try:
            # A list leaves out what each of its objects has in common.
            return [
                {**item, "apiVersion": version, "kind": kind} for item in kube.list(version, kind)
            ]
        except NotFound:
            return []
        except Forbidden as error:
            unread[kind] = str(error.message)
            return []

    def secret(namespace: str, name: str) -> Mapping[str, str]:
        try:
            found = kube.get("v1", "Secret", name, namespace)
        except ApiError:
            return {}
        data = found.get("data") or {}
        return {
            key: base64.b64decode(value).decode(errors="replace") for key, value in data.items()
        }

    with ThreadPoolExecutor(_THREADS, "discovery") as executor:
        objects = dict(zip(KINDS, executor.map(read, KINDS), strict=True))
    return Cluster(objects, secret, unread, unserved)


def _is_group(version: str) -> bool:
    return "." in version and "/" not in version


def name_of(item: Object) -> str:
    """Return an object's name."""
    return str(item["metadata"]["name"])


def namespace_of(item: Object) -> str:
    """Return the namespace an object is in; empty if it is in none."""
    return str(item["metadata"].get("namespace", ""))


def labels_of(item: Object) -> Mapping[str, str]:
    """Return an object's labels."""
    return item["metadata"].get("labels") or {}


def annotations_of(item: Object) -> Mapping[str, str]:
    """Return an object's annotations."""
    return item["metadata"].get("annotations") or {}
