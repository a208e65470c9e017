"""An app that was taken out of Git is restored: it runs, but Flux does not know it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.services.velero import COMPLETED, Velero, seconds_taken
from conformance.suite.check import check, extended

if TYPE_CHECKING:
    from conformance.capabilities.backup_restore.removed_app import RemovedApp
    from conformance.report.evidence import EvidenceBox


@check(
    "backup_restore.app_removed_from_git",
    promise="An app that was removed from Git is restored and runs with its data, unknown to Flux; "
    "once it is back in Git, Flux takes it over with the same claims and Secrets.",
    apps=extended("notes"),
)
def test_app_removed_from_git(
    removed_app: RemovedApp, velero: Velero, evidence: EvidenceBox
) -> None:
    seed = removed_app.seed()
    secrets = removed_app.back_up()
    assert secrets, "no Secret was generated for the app"
    left = removed_app.lose()
    assert not left, f"not everything was lost, so the restore proves nothing: {left}"
    for restore in removed_app.restore():
        assert restore["status"]["phase"] == COMPLETED, velero.explain(restore)
        evidence.measure("restore", seconds_taken(restore))
    removed_app.verify(seed)
    held = removed_app.held_by_flux()
    assert not held, f"Flux has what is not in Git: {held}"
    claims = removed_app.claims()
    with evidence.timed("from the commit to Ready"):
        removed_app.app.put_back()
    removed_app.verify(seed)
    assert removed_app.claims() == claims, "Flux has made other claims"
    assert removed_app.secrets() == secrets, "Flux has generated other Secrets"
