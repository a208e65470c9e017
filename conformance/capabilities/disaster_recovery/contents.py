"""What only the cluster has: Secrets and claims, and what of them a backup lacks."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.apps.backup_rules import missing_in_backup
from conformance.kube.conditions import deleted
from conformance.kube.objects import Ref
from conformance.kube.wait import Wait, wait_all
from conformance.platform.namespaces import RUN_LABEL
from conformance.services.velero import COMPLETED

if TYPE_CHECKING:
    from conformance.kube.client import Kube
    from conformance.kube.objects import Object
    from conformance.platform.clients import Clients
    from conformance.services.object_store import ObjectStore

FROM_GIT = "kustomize.toolkit.fluxcd.io/name"
"""Label of what Flux applies from the repository."""
MANAGED_BY = "app.kubernetes.io/managed-by"
OF_HELM = "helm.sh/release.v1"
"""Type of the Secrets in which helm keeps its releases: it makes them anew."""


@dataclass(frozen=True)
class OnlyHere:
    """What is on a platform's cluster alone, neither in its repository nor in a chart."""

    secrets: frozenset[str]
    """Each as ``NAMESPACE/NAME``."""

    @classmethod
    def on(cls, clients: Clients) -> OnlyHere:
        """Look for it in the platform's namespaces, but for that of the backups themselves."""
        return cls(
            frozenset(
                f"{namespace}/{secret['metadata']['name']}"
                for namespace in namespaces_of(clients)
                for secret in clients.kube.list("v1", "Secret", namespace)
                if _is_only_here(secret)
            )
        )


def namespaces_of(clients: Clients) -> list[str]:
    """Return the platform's namespaces, but for that of the backups themselves."""
    platform = clients.platform
    return [name for name in platform.namespaces if name != platform.backup.namespace]


def wait_until_removed(clients: Clients) -> None:
    """Wait until claims that are being deleted are gone, and their pods with them.

    Velero lists everything first: what goes before it is copied is an error of the backup.
    """
    kube = clients.kube
    going = [
        Wait(Ref("v1", "PersistentVolumeClaim", claim["metadata"]["name"], namespace), deleted())
        for namespace in namespaces_of(clients)
        for claim in kube.list("v1", "PersistentVolumeClaim", namespace)
        if "deletionTimestamp" in claim["metadata"]
    ]
    wait_all(kube, going, timeout=kube.timeouts.deletion)


def lacking(clients: Clients, store: ObjectStore, backup: Object, wanted: OnlyHere) -> list[str]:
    """Return, one line each, what a platform has and a backup of it has not.

    ``wanted`` was found before the backup began; what is gone by now is not missed.
    """
    name = backup["metadata"]["name"]
    kept = _secrets_in(store, name)
    missing = (wanted.secrets & OnlyHere.on(clients).secrets) - kept
    found = [f"Secret {secret} is not in the backup" for secret in sorted(missing)]
    copied = [one for one in clients.velero().volumes(backup) if one.phase == COMPLETED]
    volumes = clients.kube.list("v1", "PersistentVolume")
    for namespace in namespaces_of(clients):
        there = {(one.pod, one.volume) for one in copied if one.namespace == namespace}
        found += _claims_missing(clients.kube, namespace, volumes, there)
    return found


def _secrets_in(store: ObjectStore, backup: str) -> frozenset[str]:
    """Return ``NAMESPACE/NAME`` of each Secret in a backup, as Velero lists what is in it."""
    listed = gzip.decompress(store.read(f"backups/{backup}/{backup}-resource-list.json.gz"))
    return frozenset(json.loads(listed).get("v1/Secret", ()))


def _claims_missing(
    kube: Kube, namespace: str, volumes: list[Object], copied: set[tuple[str, str]]
) -> list[str]:
    pods = [
        pod
        for pod in kube.list("v1", "Pod", namespace)
        if pod["status"].get("phase") == "Running" and "deletionTimestamp" not in pod["metadata"]
    ]
    claims = kube.list("v1", "PersistentVolumeClaim", namespace)
    return missing_in_backup(pods, claims, volumes, copied)


def _is_only_here(secret: Object) -> bool:
    labels = secret["metadata"].get("labels") or {}
    ours, helms = RUN_LABEL in labels, labels.get(MANAGED_BY) == "Helm"
    return not (ours or helms or FROM_GIT in labels or secret.get("type") == OF_HELM)
