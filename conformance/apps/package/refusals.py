"""What a package may not do to the platform: found in its objects before any is made.

What patches and charts make of these in the cluster, nobody knows before: it is looked at once Flux
has applied it.
"""

from __future__ import annotations

import enum
import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.apps.package.platform_files import is_of_the_platform
from conformance.apps.package.refused_rights import rights_over_others
from conformance.apps.package.taken_hosts import INGRESS, INGRESS_API, taken_hosts
from conformance.linter.access import get, mapping, sequence, text
from conformance.linter.app import AppPackage
from conformance.linter.facts.confinement import (
    added_capabilities,
    breaches_of_pod,
    is_privileged,
)
from conformance.linter.manifest import CLUSTER_WIDE, Manifest
from conformance.linter.pods import Pod, pods_of
from conformance.platform.conventions import APPS_NAMESPACE, FLUX_NAMESPACE
from conformance.platform.reference.levels import BACKUPS, PLATFORM, SINGLE_SIGN_ON

if TYPE_CHECKING:
    from conformance.kube.client import Kube
    from conformance.kube.objects import Objects

_NO_NAMESPACE = CLUSTER_WIDE | {
    "APIService", "CSIDriver", "CSINode", "CertificateSigningRequest", "ClusterIssuer",
    "ClusterTrustBundle", "DeviceClass", "FlowSchema", "GatewayClass", "IPAddress",
    "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding", "MutatingWebhookConfiguration",
    "Node", "PriorityLevelConfiguration", "ResourceSlice", "RuntimeClass", "ServiceCIDR",
    "StorageVersionMigration", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration", "VolumeAttachment", "VolumeAttributesClass",
}  # fmt: skip
_ITS_OWN = ("Namespace", "CustomResourceDefinition")
"""Kinds without a namespace of which a package may bring its own."""
_NAMESPACES = re.compile(
    r"(flux-system|stackspin|stackspin-conformance|velero|cert-manager|secrets-controller|default"
    r"|kube-.*)"
)
"""Of the platform and of Kubernetes; all but stackspin-apps."""
_IN_FLUX_SYSTEM = frozenset(
    {
        "BasicAuth", "ConfigMap", "GitRepository", "HelmRepository", "Kustomization",
        "OAuth2Client", "OCIRepository", "Secret", "StringSecret",
    }
)  # fmt: skip
"""What packages for Stackspin put there."""
_VARIABLES = re.compile(r"stackspin-.+-variables")
"""ConfigMaps and Secrets in flux-system."""
_GROUPS = re.compile(
    r"(.*\.)?(fluxcd\.io|hydra\.ory\.sh|secretgenerator\.mittwald\.de|velero\.io|traefik\.io"
    r"|k8s\.io|cert-manager\.io)"
)
"""API groups of the platform and of Kubernetes."""
_PLATFORM_NAMES = frozenset(
    {
        *(
            f"Kustomization {FLUX_NAMESPACE}/{name}"
            for level in (PLATFORM, SINGLE_SIGN_ON, BACKUPS)
            for name in ("stackspin", "secrets-controller", "cert-manager", *level.kustomizations)
        ),
        *(
            f"{kind} {FLUX_NAMESPACE}/stackspin-{of}-variables"
            for kind in ("ConfigMap", "Secret", "StringSecret")
            for of in (
                "cluster",
                "single-sign-on",
                "single-sign-on-kustomization",
                "dashboard",
                "dashboard-kustomization",
            )
        ),
        f"GitRepository {FLUX_NAMESPACE}/stackspin",
        "ConfigMap stackspin-apps/stackspin-ca",
    }
)
_OPAQUE = ("", "Opaque")
"""Types of Secrets that hold variables; what is in the others, Kubernetes decides."""


class Reach(enum.Enum):
    """What a package may be allowed to reach beyond its own: the words of ``--allow``."""

    CLUSTER = "cluster"
    """What belongs to the whole cluster, as its roles do."""
    PLATFORM = "platform"
    """The platform's namespaces and objects, and what other apps have."""
    NODE = "node"
    """The node's files, network, ports and processes."""


@dataclass(frozen=True)
class Refusal:
    """What a package does that it may not."""

    reach: Reach
    what: str

    def __str__(self) -> str:
        return f"{self.what} (refused without --allow {self.reach.value})"


def refusals(app: AppPackage, allowed: Collection[str] = ()) -> list[str]:
    """Return what the package would do that it may not, a sentence each.

    ``allowed`` are words of ``--allow``.
    """
    rendered = [one for installation in app.installations for one in installation.manifests]
    return _told(_found([*app.written, *rendered]), allowed)


def refusals_as_applied(kube: Kube, applied: Objects, allowed: Collection[str] = ()) -> list[str]:
    """Return the same of what Flux has applied of it, and which hosts it takes from others."""
    found = _found([Manifest(one, "", lambda _: 0) for one in applied])
    if any(one["kind"] == INGRESS for one in applied):
        there = kube.list(INGRESS_API, INGRESS)
        found += [Refusal(Reach.PLATFORM, line) for line in taken_hosts(applied, there)]
    return _told(found, allowed)


def is_platform_namespace(name: str) -> bool:
    """Whether a namespace is the platform's or Kubernetes' own, not that of the apps."""
    return _NAMESPACES.fullmatch(name) is not None


def _told(found: Iterable[Refusal], allowed: Collection[str]) -> list[str]:
    return list(dict.fromkeys(str(one) for one in found if one.reach.value not in allowed))


def _found(manifests: Sequence[Manifest]) -> list[Refusal]:
    own = {one.name for one in manifests if one.kind == "ClusterRole"}
    found = [refusal for one in manifests for refusal in _of_object(one)]
    found += [
        Refusal(Reach.PLATFORM, f"{one}: {line}")
        for one in manifests
        for line in rights_over_others(one, own)
    ]
    pods = list(pods_of(manifests))
    found += [Refusal(Reach.NODE, line) for pod in pods for line in _of_pod(pod)]
    found += [Refusal(Reach.PLATFORM, line) for pod in pods for line in _of_priority(pod)]
    return found


def _of_object(one: Manifest) -> Iterator[Refusal]:
    if one.kind in _NO_NAMESPACE and one.kind not in _ITS_OWN:
        what = "belongs to the whole cluster, not to a namespace"
        yield Refusal(Reach.CLUSTER, f"{one.kind} {one.name}: {what}")
    else:
        yield from (Refusal(Reach.PLATFORM, line) for line in _of_the_platform(one))


def _of_the_platform(one: Manifest) -> Iterator[str]:
    if str(one) in _PLATFORM_NAMES:
        yield f"{one}: the platform has this object"
    elif one.kind in _ITS_OWN:
        yield from _of_own_kind(one)
    elif one.namespace == FLUX_NAMESPACE:
        if one.kind not in _IN_FLUX_SYSTEM:
            yield f"{one}: Stackspin's packages put no {one.kind} into {FLUX_NAMESPACE}"
        elif one.kind in ("ConfigMap", "Secret") and not _VARIABLES.fullmatch(one.name):
            yield f"{one}: only variables (stackspin-APP-variables) belong into {FLUX_NAMESPACE}"
        elif one.kind == "Secret" and text(one.value.get("type")) not in _OPAQUE:
            yield f"{one}: only Secrets of the type Opaque belong into {FLUX_NAMESPACE}"
    elif is_platform_namespace(one.namespace):
        yield f"{one}: the namespace {one.namespace} is the platform's"
    yield from _of_reach(one)


def _of_own_kind(one: Manifest) -> Iterator[str]:
    if one.kind == "Namespace" and (is_platform_namespace(one.name) or one.name == APPS_NAMESPACE):
        yield f"Namespace {one.name}: is the platform's"
    group = text(get(one.value, "spec", "group"))
    if one.kind == "CustomResourceDefinition" and _GROUPS.fullmatch(group):
        yield f"CustomResourceDefinition {one.name}: the API group {group} is the platform's"


def _of_reach(one: Manifest) -> Iterator[str]:
    """Yield where an object would put others, or take what is not its own."""
    if one.kind in ("Kustomization", "HelmRelease"):
        for key in ("targetNamespace", "storageNamespace"):
            namespace = text(get(one.value, "spec", key))
            if is_platform_namespace(namespace):
                yield f"{one}: its {key} {namespace} is the platform's"
    if one.kind == "Kustomization" and get(one.value, "spec", "sourceRef"):
        path = posixpath.normpath(text(get(one.value, "spec", "path"))).lstrip("/")
        if is_of_the_platform(path):
            yield f"{one}: applies {path}, which is the platform's"
    if one.kind == "Service" and (addresses := sequence(get(one.value, "spec", "externalIPs"))):
        yield f"{one}: takes what is sent to {text(addresses[0])} (externalIPs)"


def _of_pod(pod: Pod) -> Iterator[str]:
    where = f"{pod.workload}"
    yield from (f"{where}: {what}" for _, what in breaches_of_pod(pod))
    for container in pod.containers:
        if is_privileged(container):
            yield f"{where}: container {container.name} is privileged"
        yield from (f"{where}: {what}" for _, what in added_capabilities(container))
        for entry in sequence(container.value.get("ports")):
            if port := get(entry, "hostPort"):
                yield f"{where}: container {container.name} takes port {port} of the node"
    for volume in sequence(pod.get("spec", "volumes")):
        if "hostPath" in mapping(volume):
            path = text(get(volume, "hostPath", "path"))
            yield f"{where}: mounts {path} of the node (hostPath)"


def _of_priority(pod: Pod) -> Iterator[str]:
    priority = text(pod.get("spec", "priorityClassName"))
    if priority.startswith("system-"):
        yield f"{pod.workload}: with the priority {priority} the platform's pods make way for it"
