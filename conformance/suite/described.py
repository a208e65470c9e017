"""Clients of what a platform need not have; a check that needs one is not run without."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.kube.objects import Ref
from conformance.suite.check import not_run

if TYPE_CHECKING:
    from conformance.platform.clients import Clients
    from conformance.services.object_store import ObjectStore


def object_store_of(clients: Clients) -> ObjectStore:
    """Return the bucket behind the platform's backup location."""
    found = clients.object_store()
    if found is None:
        not_run("platform.yaml does not say how to reach the backups' bucket (backup.store)")
    return found


def store_deployment_of(clients: Clients) -> Ref:
    """Return the Deployment that is the object store."""
    store = clients.platform.backup.store
    if store is None:
        not_run("platform.yaml does not say what the object store is (backup.store)")
    return Ref("apps/v1", "Deployment", store.deployment.name, store.deployment.namespace)
