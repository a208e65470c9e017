"""The HelmRelease of an app as the API has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.services.flux import API_VERSIONS

if TYPE_CHECKING:
    from conformance.kube.objects import Object

RELEASE = (API_VERSIONS["HelmRelease"], "HelmRelease")
VALUES = "values.yaml"
"""Key of the override ConfigMap and Secret that a HelmRelease reads."""


def attempted(release: Object) -> dict[str, Any]:
    """Return what Flux records in a HelmRelease when it begins a change and when it is done."""
    status = release["status"]
    noted = ("lastAttemptedConfigDigest", "lastAttemptedGeneration", "lastAttemptedRevision")
    return {"history": status["history"], **{name: status.get(name) for name in noted}}
