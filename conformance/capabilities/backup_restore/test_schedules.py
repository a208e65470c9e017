"""Velero makes backups on its own."""

from __future__ import annotations

from conformance.services.velero import COMPLETED, Velero
from conformance.suite.check import check


@check(
    "backup_restore.schedule_creates",
    level="extended",
    promise="A Velero Schedule creates backups on its own.",
)
def test_schedule_creates(velero: Velero, namespace: str) -> None:
    velero.make_schedule(namespace, cron="@every 5s", namespaces=[namespace])
    try:
        backup = velero.scheduled(namespace)
    finally:
        velero.delete("Schedule", namespace)
    assert backup["status"]["phase"] == COMPLETED, velero.explain(backup)
