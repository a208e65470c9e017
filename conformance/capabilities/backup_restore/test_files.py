"""Files of every kind are restored as they were, no larger on the disk, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from conformance.apps import tree
from conformance.capabilities.backup_restore.claimed_files import SPARSE_BYTES, ClaimedFiles
from conformance.capabilities.backup_restore.stored import errors_of
from conformance.platform.features import PlatformFeature
from conformance.services.velero import COMPLETED, Velero, seconds_taken
from conformance.suite.check import check

if TYPE_CHECKING:
    from conformance.report.evidence import EvidenceBox
    from conformance.services.object_store import ObjectStore

MIB = 1024 * 1024


@check(
    "backup_restore.owners_and_sparse_files",
    level="extended",
    promise="A claim's files are restored with their owners, modes and bytes; sparse files take no "
    "more room than before, if the restore asks for that.",
)
def test_owners_and_sparse_files(
    claimed_files: ClaimedFiles, velero: Velero, evidence: EvidenceBox
) -> None:
    before = claimed_files.fill()
    assert before.dense >= SPARSE_BYTES // 16, "a file without holes does not show its size"
    assert before.sparse < SPARSE_BYTES // 4, "the file system of the claim knows no holes"
    assert velero.volumes(claimed_files.back_up()), "no volume was copied"
    left = claimed_files.lose()
    assert not left, f"not everything was lost, so the restore proves nothing: {left}"
    restore = claimed_files.restore()
    assert restore["status"]["phase"] == COMPLETED, velero.explain(restore)
    evidence.measure("restore", seconds_taken(restore))
    after = claimed_files.contents()
    differences = tree.differences(before.files, after.files)
    assert not differences, "not as it was backed up: " + "\n  ".join(differences)
    evidence.measure("sparse file on the disk", after.sparse / MIB, "MiB")
    assert after.sparse < SPARSE_BYTES // 4, (
        f"the sparse file took {before.sparse} bytes on the disk, and takes {after.sparse} now"
    )
    altered = claimed_files.alter()
    found = tree.differences(before.files, claimed_files.contents().files)
    assert len(found) == len(altered), f"not all that was altered is seen: {found}"


@check(
    "backup_restore.claim_without_room_reported",
    level="extended",
    promise="A restore of a claim that exceeds its namespace's quota is not Completed, and says "
    "why.",
    features=(PlatformFeature.OBJECT_STORE,),
)
def test_claim_without_room_reported(
    claimed_files: ClaimedFiles,
    object_store: ObjectStore,
    namespaces: Callable[[str], str],
    evidence: EvidenceBox,
) -> None:
    claimed_files.fill()
    claimed_files.back_up()
    small = namespaces("backup-small")
    restore = claimed_files.restore_into(small, room="1Mi")
    assert restore["status"]["phase"] != COMPLETED, "Completed, and the claim was refused"
    errors = errors_of(object_store, small)
    evidence.note("; ".join(errors))
    assert any("exceeded quota" in text for text in errors), f"it does not say why: {errors}"
