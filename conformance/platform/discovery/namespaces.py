"""The namespace of apps, and all namespaces of the platform."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from conformance.platform.discovery.cluster import Cluster, labels_of, name_of, namespace_of
from conformance.platform.discovery.findings import Findings
from conformance.platform.discovery.pods import running

PARTS = ("cert-manager-controller", "kubernetes-secret-generator")
"""Images of parts that no other key of a description names."""
_APPLIED_BY = "kustomize.toolkit.fluxcd.io/name"
_KUBERNETES = ("kube-system", "kube-public", "kube-node-lease", "default")


def find_namespaces(cluster: Cluster, findings: Findings) -> None:
    """Find them once all parts are found: apps are in the namespace of most other releases."""
    parts = {*_of_parts(cluster, findings)} - {*_KUBERNETES}
    everything = {name_of(item) for item in cluster.all("Namespace")}
    releases = Counter(namespace_of(item) for item in cluster.all("HelmRelease"))
    others = everything - parts - {*_KUBERNETES}
    ranked = sorted(
        (-(releases[name] + 0.5 * _is_named_for_apps(name)), name)
        for name in others
        if releases[name] or _is_named_for_apps(name)
    )
    if ranked:
        [_, apps] = ranked[0]
        how = "its name says so; no HelmRelease is in it yet"
        if number := releases[apps]:
            how = (
                f"{number} HelmRelease{'s' if number > 1 else ''} in it, of no part of the platform"
            )
        findings.put("apps", apps, how)
        parts.add(apps)
    else:
        findings.miss("apps", "no HelmRelease is in a namespace without a part of the platform")
    made = {name_of(item) for item in cluster.all("Namespace") if _APPLIED_BY in labels_of(item)}
    if named := sorted(parts | made - {*_KUBERNETES}):
        how = "those of the parts below, of apps, and others that a Kustomization made"
        findings.put("namespaces", named, how)
    else:
        findings.miss("namespaces", "no part of a platform was found")


def _is_named_for_apps(name: str) -> bool:
    return "apps" in name.split("-")


def _of_parts(cluster: Cluster, findings: Findings) -> Iterator[str]:
    for key, found in findings.found.items():
        if key.endswith("namespace"):
            yield found.value
        elif isinstance(found.value, dict):
            yield found.value["namespace"]
    for pod in running(cluster, *PARTS):
        yield namespace_of(pod)
    for item in cluster.all("IngressClass"):
        yield labels_of(item).get("helm.toolkit.fluxcd.io/namespace", "kube-system")
