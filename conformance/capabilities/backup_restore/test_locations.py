"""Backup locations: Velero says of each whether the object store takes backups there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.services.velero import Velero
from conformance.suite.check import check

if TYPE_CHECKING:
    from conformance.capabilities.backup_restore.locations import UnusableLocation
    from conformance.report.evidence import EvidenceBox


@check(
    "backup_restore.location_available",
    promise="The backup location is Available: Velero reaches the bucket with its credentials.",
)
def test_location_available(velero: Velero) -> None:
    velero.location_is("Available", velero.location)


@check(
    "backup_restore.unusable_location_reported",
    level="extended",
    promise="A location with refused credentials or without a bucket says so, as do its backups; "
    "other locations work.",
)
def test_unusable_location_reported(
    velero: Velero, unusable_location: UnusableLocation, namespace: str, evidence: EvidenceBox
) -> None:
    name = unusable_location.name
    message = velero.location_is("Unavailable", name)["status"]["message"]
    evidence.note(message)
    assert unusable_location.refusal in message, f"the refusal is not the object store's: {message}"
    velero.back_up(f"{namespace}-refused", namespaces=[namespace], location=name)
    backup = velero.finished("Backup", f"{namespace}-refused")
    assert backup["status"]["phase"] == "FailedValidation", velero.explain(backup)
    evidence.note(velero.explain(backup))
    velero.back_up(namespace, namespaces=[namespace])
    velero.completed("Backup", namespace)
