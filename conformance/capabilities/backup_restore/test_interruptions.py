"""A backup without a store, or one that is interrupted, is never called Completed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.platform.features import PlatformFeature
from conformance.services.velero import COMPLETED, Velero
from conformance.suite.check import check, extended

if TYPE_CHECKING:
    from conformance.capabilities.backup_restore.faults import Victim
    from conformance.report.evidence import EvidenceBox

MIB = 1024 * 1024


@check(
    "backup_restore.store_down_reported",
    promise="A backup begun while the object store is down reports failure; the next one works.",
    apps=extended("notes"),
    touches="platform",
    effect="stops the backups' object store for a while",
    features=(PlatformFeature.OBJECT_STORE,),
)
def test_store_down_reported(
    victim: Victim, velero: Velero, namespace: str, evidence: EvidenceBox
) -> None:
    with victim.store_down():
        velero.back_up(namespace, namespaces=[namespace])
        backup = velero.finished("Backup", namespace)
    evidence.note(velero.explain(backup))
    assert backup["status"]["phase"] != COMPLETED, "a backup without a store is Completed"
    velero.back_up(f"{namespace}-next", namespaces=[namespace])
    velero.completed("Backup", f"{namespace}-next")


@check(
    "backup_restore.interrupted_backup_reported",
    promise="An interrupted backup is never reported as Completed, and the next backup works.",
    apps=extended("notes"),
    touches="platform",
    effect="stops the backups' object store, and kills Velero and its node agents",
    features=(PlatformFeature.OBJECT_STORE,),
)
@pytest.mark.parametrize("fault", ["store-down", "node-agent-killed", "velero-killed"])
def test_interrupted_backup_reported(
    victim: Victim, velero: Velero, fault: str, evidence: EvidenceBox
) -> None:
    name = f"{victim.namespace}-{fault}"
    backup, copied = victim.interrupted_backup(name, fault)
    evidence.measure("copied before", copied / MIB, "MiB")
    evidence.note(velero.explain(backup))
    assert backup["status"]["phase"] != COMPLETED, f"Completed despite {fault}"
    velero.back_up(f"{name}-next", namespaces=[victim.namespace])
    velero.completed("Backup", f"{name}-next")
