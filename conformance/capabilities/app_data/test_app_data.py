"""An app package on a cluster, level 5: its data is safe.

Data is put into the app as its description says, and sentinel files into each of its claims. It has
to be there again after everything that happens to apps. One installation serves all checks, in
this order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.apps.package.abilities import Ability
from conformance.apps.package.own_data import OwnData
from conformance.apps.package.stray_data import NoOverlay, stray_data
from conformance.apps.tree import DataDiffers
from conformance.capabilities.app_data.backups import restore_lost
from conformance.capabilities.app_data.elsewhere import data_at, restored, wait_ready_at
from conformance.clusters.base import Feature
from conformance.platform.features import PlatformFeature
from conformance.services.velero import COMPLETED, Velero, seconds_taken
from conformance.suite.check import check, extended, not_run

if TYPE_CHECKING:
    from concurrent.futures import Future

    from conformance.apps.package.running import RunningApp
    from conformance.capabilities.app_data.backups import AppBackup, Beside
    from conformance.capabilities.app_data.data import AppData
    from conformance.capabilities.app_data.elsewhere import Carried
    from conformance.clusters.base import Cluster
    from conformance.report.evidence import EvidenceBox

ON = extended("notes", "wordpress")
MIB = 1024 * 1024


@check(
    "app_data.no_data_outside_claims",
    promise="An app's data is on its claims: its containers write none into their own file "
    "systems.",
    needs=(Feature.NODE_SHELL,),
    apps=ON,
    app_level=5,
    abilities=(Ability.DATA,),
)
def test_no_data_outside_claims(
    running: RunningApp,
    own_data: OwnData,  # noqa: ARG001 - data was put in
    cluster: Cluster,
) -> None:
    try:
        found = stray_data(cluster, running.live.pods())
    except NoOverlay as error:
        not_run(f"what containers write cannot be seen: {error}")
    assert not found, f"gone with the pod, as it is on no claim: {'; '.join(found)}"


@check(
    "app_data.survives_pod_deletion",
    promise="An app's data survives the deletion of each of its pods.",
    apps=ON,
    app_level=5,
)
def test_survives_pod_deletion(data: AppData) -> None:
    for workload in data.app.live.workloads():
        for pod in data.app.kube.list(*workload.pods):
            data.app.delete_pod(pod, workload)
    data.verify()


@check(
    "app_data.backup_by_set",
    promise="A backup selected by the app's backupSet label completes, and holds every claim.",
    apps=ON,
    app_level=5,
)
def test_backup_by_set(
    data: AppData, backup: AppBackup, velero: Velero, evidence: EvidenceBox
) -> None:
    assert_holds_all(backup, data, velero, evidence)


@check(
    "app_data.backup_by_namespace",
    promise="A backup of the namespaces that the app is in completes, and holds every claim of it.",
    apps=extended("notes"),
    app_level=5,
)
def test_backup_by_namespace(
    data: AppData,
    restoring_begun: None,  # noqa: ARG001 - for a later check
    namespace_backup: AppBackup,
    carrying_begun: None,  # noqa: ARG001 - for a later check
    velero: Velero,
    evidence: EvidenceBox,
) -> None:
    assert_holds_all(namespace_backup, data, velero, evidence)


@check(
    "app_data.survives_removal_and_return",
    promise="An app that is removed from the repository and comes back has its data again.",
    apps=ON,
    app_level=5,
)
def test_survives_removal_and_return(
    data: AppData,
    restoring_begun: None,  # noqa: ARG001 - for the next check
) -> None:
    delivery = data.app.delivery
    delivery.remove()
    delivery.put_back()
    delivery.wait_back()
    delivery.wait_ready()
    data.verify()


@check(
    "app_data.restores_into_other_namespace",
    promise="What a backup of the app's set holds can be restored into another namespace, byte for "
    "byte.",
    apps=ON,
    app_level=5,
)
def test_restores_into_other_namespace(
    data: AppData,
    backup: AppBackup,
    beside: Future[Beside],
    velero: Velero,
    evidence: EvidenceBox,
) -> None:
    begun = beside.result()
    restore = velero.finished("Restore", begun.restore)
    assert restore["status"]["phase"] == COMPLETED, velero.explain(restore)
    evidence.measure("restore", seconds_taken(restore))
    copies = data.sentinels.without(backup.left_out)
    copies.verify(begun.namespaces)
    copies.alter(begun.namespaces)
    with pytest.raises(DataDiffers, match="sha256"):
        copies.verify(begun.namespaces)


@check(
    "app_data.restores_lost",
    promise="An app whose workloads and claims were lost is restored with its data from the backup "
    "of its set, byte for byte.",
    apps=ON,
    app_level=5,
)
def test_restores_lost(
    data: AppData, backup: AppBackup, velero: Velero, evidence: EvidenceBox
) -> None:
    if not backup.complete:
        not_run(f"nothing is taken away, as the backup of its set is not complete: {backup.lack}")
    delivery = data.app.delivery
    with delivery.suspended():
        left = data.destroy()
        assert not left, f"not everything was lost, so the restore proves nothing: {left}"
        restore = restore_lost(velero, backup)
        assert restore["status"]["phase"] == COMPLETED, velero.explain(restore)
        data.delete_restored(backup.name)
    evidence.measure("restore", seconds_taken(restore))
    delivery.wait_ready()
    data.verify_restored(backup.left_out)


@check(
    "app_data.restores_into_empty_cluster",
    promise="An app comes back with its data in another, empty cluster, from a backup of its "
    "namespaces alone.",
    needs=(Feature.SECOND_CLUSTER,),
    apps=extended("notes"),
    app_level=5,
    features=(PlatformFeature.OBJECT_STORE,),
)
def test_restores_into_empty_cluster(
    data: AppData,
    namespace_backup: AppBackup,
    carried: Future[Carried],
    evidence: EvidenceBox,
) -> None:
    if not namespace_backup.complete:
        not_run(f"the backup of its namespaces is not complete: {namespace_backup.lack}")
    with data.app.delivery.limit.paused():
        there = carried.result()
    evidence.note("The backup was copied into the other cluster's own bucket by S3.")
    evidence.measure("copied", there.bytes / MIB, "MiB")
    with restored(there) as restore:
        velero = there.site.stack.clients.velero()
        assert restore["status"]["phase"] == COMPLETED, velero.explain(restore)
        evidence.measure("restore", seconds_taken(restore))
        data_there = data_at(there.site, data)
        wait_ready_at(there.site, data_there)
        data_there.verify_restored(namespace_backup.left_out)


# Last: Velero and its store, which the others need, are away for some time, too.
@check(
    "app_data.survives_node_kill",
    promise="An app's data survives when all processes of the node are killed at once.",
    needs=(Feature.NODE_KILL,),
    apps=ON,
    app_level=5,
)
def test_survives_node_kill(data: AppData, cluster: Cluster, evidence: EvidenceBox) -> None:
    with evidence.timed("from the kill of the node to the app Ready"):
        data.app.outlive_node_kill(cluster)
    data.verify()


def assert_holds_all(
    backup: AppBackup, data: AppData, velero: Velero, evidence: EvidenceBox
) -> None:
    """A backup is complete, and has at least the bytes of the files in the app's claims."""
    assert backup.item["status"]["phase"] == COMPLETED, velero.explain(backup.item)
    evidence.measure("backup", seconds_taken(backup.item))
    evidence.measure("data in volumes", backup.bytes / MIB, "MiB")
    if backup.left_out:
        evidence.note(f"left out on purpose: {', '.join(sorted(backup.left_out))}")
    assert not backup.missing, "\n".join(backup.missing)
    wanted = data.sentinels.without(backup.left_out).bytes
    assert backup.bytes >= wanted, f"the backup has {backup.bytes} bytes of at least {wanted}"
