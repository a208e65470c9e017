"""Velero makes backups on its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.services.velero import COMPLETED, Velero
from conformance.suite.check import check

if TYPE_CHECKING:
    from conformance.suite.twins import Twin


@check(
    "backup_restore.schedule_creates",
    level="extended",
    promise="A Velero Schedule creates backups on its own.",
)
def test_schedule_creates(velero: Velero, namespace: str, twin: Twin | None) -> None:
    cron = twin.settings["cron"] if twin else "@every 5s"
    velero.make_schedule(namespace, cron=cron, namespaces=[namespace])
    try:
        backup = velero.scheduled(namespace)
    finally:
        velero.delete("Schedule", namespace)
    assert backup["status"]["phase"] == COMPLETED, velero.explain(backup)
