"""Clients of what a platform need not have; a check that needs one is not run without."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.kube.objects import Ref
from conformance.suite.check import not_run

if TYPE_CHECKING:
    from conformance.platform import description
    from conformance.platform.clients import Clients
    from conformance.platform.description import Platform
    from conformance.services.object_store import ObjectStore


def object_store_of(clients: Clients) -> ObjectStore:
    """Return the bucket behind the platform's backup location."""
    return clients.object_store(_store(clients.platform))


def store_deployment_of(clients: Clients) -> Ref:
    """Return the Deployment that is the object store."""
    deployment = _store(clients.platform).deployment
    return Ref("apps/v1", "Deployment", deployment.name, deployment.namespace)


def _store(platform: Platform) -> description.ObjectStore:
    if platform.backup.store is None:
        not_run("platform.yaml does not say what the backups' bucket is (backup.store)")
    return platform.backup.store
