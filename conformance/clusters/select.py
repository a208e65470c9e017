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
    if settings.cluster in ("auto", "embedded"):
        from conformance.clusters.embedded.cluster import EmbeddedCluster  # noqa: PLC0415

        why = "as asked" if settings.cluster == "embedded" else "auto: the only one built in so far"
        print(f"cluster: embedded ({why}), named {settings.cluster_name}")
        return EmbeddedCluster(settings, components)
    if settings.cluster == "existing":
        from conformance.clusters.existing import ExistingCluster  # noqa: PLC0415

        cluster = ExistingCluster(settings)
        print(f"cluster: existing (as asked), {cluster.name}")
        return cluster
    if settings.cluster == "kind":
        raise HarnessError(
            "the kind provider is not there yet", "use --cluster=embedded (root, no Docker needed)"
        )
    raise HarnessError(
        f"there is no cluster provider {settings.cluster!r}",
        "choose --cluster=auto, embedded, kind or existing",
    )
