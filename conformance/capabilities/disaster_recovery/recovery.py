"""How a platform comes back from its repository and its bucket: docs/disaster-recovery.md.

Flux and Velero come first, then what only the backup has: Secrets and configuration, then the data.
What is restored is not in Flux's hands yet, so nothing fights the restore. The rest comes last, and
finds its Secrets and its data there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.common.backup_labels import BACKUP_SET
from conformance.kube.conditions import deleted, matching, ready
from conformance.kube.objects import Object, Ref, Selection
from conformance.kube.wait import Wait, wait_all, wait_each
from conformance.services.velero import RESTORE_NAME

if TYPE_CHECKING:
    from conformance.kube.client import Kube
    from conformance.platform.clients import Clients

CONFIGURATION = ("secrets", "configmaps")
DATA = ("persistentvolumeclaims", "persistentvolumes", "pods")
NOT_HELMS = {"matchExpressions": [{"key": "owner", "operator": "NotIn", "values": ["helm"]}]}
"""Helm's record of its releases is left out: it says that there is what is not there."""
OF_A_SET = {"matchExpressions": [{"key": BACKUP_SET, "operator": "Exists"}]}


def restore_configuration(clients: Clients, backup: str) -> Object:
    """Bring back Secrets and ConfigMaps that are not there yet; return the Restore, completed."""
    velero, name = clients.velero(), f"{backup}-configuration"
    velero.restore(name, backup, included=CONFIGURATION, selector=NOT_HELMS)
    return velero.completed("Restore", name)


def restore_data(clients: Clients, backup: str) -> Object:
    """Bring back claims, and their data by the pods that had them; return the Restore, completed.

    The pods do with the data what they do with a restored copy, and go: Flux makes their like.
    """
    velero, name = clients.velero(), f"{backup}-data"
    velero.restore(name, backup, included=DATA, selector=OF_A_SET)
    restore = velero.completed("Restore", name)
    for namespace in clients.platform.namespaces:
        _take_away_pods(clients.kube, namespace, name)
    return restore


def _take_away_pods(kube: Kube, namespace: str, restore: str) -> None:
    pods = Selection("v1", "Pod", namespace, f"{RESTORE_NAME}={restore}")
    names = [pod["metadata"]["name"] for pod in kube.list(*pods)]
    if not names:
        return
    running = matching("running", lambda pod: pod["status"]["phase"] == "Running")
    wait_each(kube, pods, running & ready(), timeout=kube.timeouts.backup)
    for name in names:
        kube.delete("v1", "Pod", name, namespace)
    gone = [Wait(Ref("v1", "Pod", name, namespace), deleted()) for name in names]
    wait_all(kube, gone, timeout=kube.timeouts.deletion)
