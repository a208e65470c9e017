"""Which provider a run uses, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.errors import HarnessError

if TYPE_CHECKING:
    from conformance.clusters.base import Cluster
    from conformance.components.builder import Components
    from conformance.settings import Settings


def make_cluster(settings: Settings, components: Components) -> Cluster:
    """Return the cluster that the settings ask for, not started; print the choice and its reason.

    HarnessError for a provider there is not.
    """
    cluster: Cluster
    if settings.cluster in ("auto", "embedded"):
        from conformance.clusters.embedded.cluster import EmbeddedCluster  # noqa: PLC0415 - lazy

        cluster = EmbeddedCluster(settings, components)
        asked = settings.cluster == "embedded"
        cluster.choice = (
            "as asked" if asked else "auto: the only provider that brings one up so far"
        )
    elif settings.cluster == "existing":
        from conformance.clusters.existing import ExistingCluster  # noqa: PLC0415 - lazy

        cluster = ExistingCluster(settings)
        cluster.choice = "as asked"
    else:
        raise _no_such_provider(settings.cluster)
    print(f"cluster: {cluster.provider} ({cluster.choice}), {cluster.name}")
    return cluster


def _no_such_provider(provider: str) -> HarnessError:
    if provider == "kind":
        return HarnessError(
            "the kind provider is not there yet", "use --cluster=embedded (root, no Docker needed)"
        )
    return HarnessError(
        f"there is no cluster provider {provider!r}",
        "choose --cluster=auto, embedded, kind or existing",
    )
