"""Whether a cluster of the user's is free for the platform that the suite installs."""

from __future__ import annotations

from conformance.common.errors import HarnessError
from conformance.kube.client import Kube
from conformance.platform.description import Platform
from conformance.platform.reference.bootstrap import GIT_NAMESPACE


def refuse_platform_of_others(cluster: str, kube: Kube, platform: Platform) -> None:
    """Raise HarnessError if the cluster has a namespace of ``platform`` not made by this suite."""
    present = {namespace["metadata"]["name"] for namespace in kube.list("v1", "Namespace")}
    found = [name for name in platform.namespaces if name in present]
    if found and GIT_NAMESPACE not in present:
        raise HarnessError(
            f"cluster {cluster} is in use: this suite did not create {', '.join(found)}",
            "choose a cluster without Flux, Stackspin and Velero; the suite would replace them",
        )
