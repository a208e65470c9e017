"""What keeps the apps of the tree from changes by hand, and people's data from commits."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from conformance.services.flux import API_VERSIONS

if TYPE_CHECKING:
    from conformance.kube.client import Kube
    from conformance.kube.objects import Object

RELEASE = (API_VERSIONS["HelmRelease"], "HelmRelease")
KUSTOMIZATION = (API_VERSIONS["Kustomization"], "Kustomization")
APPLIED_BY = "kustomize.toolkit.fluxcd.io"
"""Labels of what Flux applies from the repository begin with it: the Kustomization's name."""
SPARED = (f"{APPLIED_BY}/prune", f"{APPLIED_BY}/reconcile")
"""Labels or annotations that keep Flux from deleting something, if they are ``disabled``."""
DELETING = {"Delete", "WaitForTermination"}
"""Values of ``deletionPolicy`` of a Kustomization that deletes what it applied when it goes."""
OF_RELEASE = "meta.helm.sh/release-name"
KEEP = "helm.sh/resource-policy"


def releases_of_tree(kube: Kube, namespace: str) -> list[Object]:
    """Return the HelmReleases that Flux has applied from the repository."""
    return [one for one in kube.list(*RELEASE, namespace) if _applied_by(one)]


def changed_by_hand(releases: list[Object]) -> Iterator[str]:
    """Yield, a line each, the apps of which Flux does not revert what is changed by hand.

    https://fluxcd.io/flux/components/helm/helmreleases/#drift-detection
    """
    for release in releases:
        mode = (release["spec"].get("driftDetection") or {}).get("mode", "disabled")
        if mode != "enabled":
            yield f"{release['metadata']['name']}: driftDetection is {mode}"


def deletable_claims(kube: Kube, namespace: str) -> Iterator[str]:
    """Yield, a line each, the claims that a commit or an uninstallation deletes with their data.

    https://fluxcd.io/flux/components/kustomize/kustomizations/#prune
    https://helm.sh/docs/howto/charts_tips_and_tricks/#tell-helm-not-to-uninstall-a-resource
    """

    @functools.cache
    def prunes(name: str, its_namespace: str) -> bool:
        found = kube.find(*KUSTOMIZATION, name, its_namespace)
        spec = found["spec"] if found else {}
        return bool(spec.get("prune")) or spec.get("deletionPolicy") in DELETING

    for claim in kube.list("v1", "PersistentVolumeClaim", namespace):
        if owner := _pruned_by(claim, prunes):
            yield f"{owner}: claim {claim['metadata']['name']} may be pruned"
        elif owner := _uninstalled_by(claim):
            yield f"{owner}: claim {claim['metadata']['name']} is deleted with the release"


def _pruned_by(claim: Object, prunes: Callable[[str, str], bool]) -> str:
    """Return the Kustomization that deletes a claim when either leaves the repository, if one."""
    metadata = claim["metadata"]
    found = [metadata.get(part) or {} for part in ("annotations", "labels")]
    marks = [each.get(name) for each in found for name in SPARED]
    owner = _applied_by(claim)
    if not owner or "disabled" in marks:
        return ""
    return owner if prunes(owner, metadata["labels"][f"{APPLIED_BY}/namespace"]) else ""


def _uninstalled_by(claim: Object) -> str:
    """Return the Helm release with which a claim is deleted, if it is with one."""
    annotations = claim["metadata"].get("annotations") or {}
    return "" if annotations.get(KEEP) == "keep" else str(annotations.get(OF_RELEASE, ""))


def _applied_by(item: Object) -> str:
    return str((item["metadata"].get("labels") or {}).get(f"{APPLIED_BY}/name", ""))
