"""What Flux is told of the repositories that the suite serves."""

from __future__ import annotations

from conformance.kube.objects import Object
from conformance.platform.description import Platform
from conformance.platform.tree.sources import Folder
from conformance.services import git
from conformance.services.flux import API_VERSIONS

HOME = "stackspin-conformance-tree"
"""Namespace of the Git server with the tree: on a real Stackspin that is elsewhere."""
CREDENTIAL = "stackspin-conformance-tree"
"""Secret, beside the sources, with the user that may only read."""


def own_source(platform: Platform, branch: str) -> Object:
    """Return the GitRepository of the tree."""
    return _source(platform, platform.flux.source, branch)


def source_of(platform: Platform, folder: Folder) -> Object:
    """Return the GitRepository of what is served in the place of another source."""
    return _source(platform, folder.served_as, folder.served_as)


def root(platform: Platform, path: str) -> Object:
    """Return the Kustomization that applies all of the tree."""
    return {
        "apiVersion": API_VERSIONS["Kustomization"],
        "kind": "Kustomization",
        "metadata": {"name": platform.flux.root, "namespace": platform.flux.namespace},
        "spec": {
            "interval": "10m",
            "retryInterval": "10s",
            "timeout": "5m",
            "path": f"./{path}",
            "prune": True,
            "sourceRef": {"kind": "GitRepository", "name": platform.flux.source},
        },
    }


def _source(platform: Platform, name: str, branch: str) -> Object:
    return {
        "apiVersion": API_VERSIONS["GitRepository"],
        "kind": "GitRepository",
        "metadata": {"name": name, "namespace": platform.flux.namespace},
        "spec": {
            "interval": "1m",
            "timeout": "60s",
            "url": git.cluster_url(HOME),
            "ref": {"branch": branch},
            "secretRef": {"name": CREDENTIAL},
        },
    }
