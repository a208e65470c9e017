"""Which provider a run uses, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.clusters import docker
from conformance.clusters.embedded.cluster import EmbeddedCluster
from conformance.clusters.existing import ExistingCluster
from conformance.clusters.kind import cluster as kind
from conformance.common.errors import HarnessError

if TYPE_CHECKING:
    from conformance.clusters.base import Cluster
    from conformance.common.settings import Settings
    from conformance.components.builder import Components


def make_cluster(settings: Settings, components: Components) -> Cluster:
    """Return the cluster that the settings ask for, not started; print the choice and its reason.

    HarnessError for an unknown provider.
    """
    provider, choice = settings.cluster, "as asked"
    if provider == "auto":
        provider, choice = _choose(settings, components)
    cluster = _make(provider, settings, components)
    cluster.choice = choice
    print(f"cluster: {cluster.provider} ({cluster.choice}), {cluster.name}")
    return cluster


def _make(provider: str, settings: Settings, components: Components) -> Cluster:
    if provider == "embedded":
        return EmbeddedCluster(settings, components)
    if provider == "kind":
        return kind.KindCluster(settings, components)
    if provider == "existing":
        return ExistingCluster(settings)
    raise HarnessError(
        f"there is no cluster provider {provider!r}",
        "choose --cluster=auto, embedded, kind or existing",
    )


def _choose(settings: Settings, components: Components) -> tuple[str, str]:
    """Return kind where an engine answers and can get a node image, else embedded; and why."""
    engine = docker.running()
    version = engine.version()
    if version is None:
        return "embedded", "auto: no Docker engine answers"
    image = settings.kind_image or kind.UPSTREAM_IMAGE
    if engine.can_get(image):
        return "kind", f"auto: Docker engine {version} answers and can get {image}"
    if components.is_present(kind.LOCAL_IMAGE):
        return "kind", f"auto: Docker engine {version} answers, and a node image was built here"
    return "embedded", f"auto: Docker engine {version} answers, but cannot get {image}"
