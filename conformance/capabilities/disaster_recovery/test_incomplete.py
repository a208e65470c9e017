"""What is left of the backups does not suffice: a recovery says so, and does not call itself done.

What an operator sees of each, and does about it: docs/disaster-recovery.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.platform.features import PlatformFeature
from conformance.services.velero import COMPLETED
from conformance.suite.check import check, extended
from conformance.suite.refused_location import REFUSAL

if TYPE_CHECKING:
    from conformance.capabilities.disaster_recovery.remains import Attempt, Remains
    from conformance.report.evidence import EvidenceBox

FEATURES = (PlatformFeature.OBJECT_STORE,)


@check(
    "disaster_recovery.wrong_credentials_told",
    promise="Without the bucket's credentials, the location says that they are refused, no backup "
    "is found, and nothing is restored.",
    features=FEATURES,
    apps=extended("notes"),
)
def test_wrong_credentials_told(remains: Remains, evidence: EvidenceBox) -> None:
    refused = remains.refused.result()
    evidence.note(refused.message)
    assert REFUSAL in refused.message, f"the refusal is not the bucket's: {refused.message}"
    assert_not_done(refused.attempt, "not found", evidence)


@check(
    "disaster_recovery.unfinished_backup_told",
    promise="A backup that was running when the server was lost is not offered for a restore; the "
    "last complete one is, with all its data.",
    features=FEATURES,
    apps=extended("notes"),
)
def test_unfinished_backup_told(remains: Remains, evidence: EvidenceBox) -> None:
    found = remains.listed.result()
    assert remains.unfinished not in found, f"offered to restore from: {', '.join(found)}"
    assert_not_done(remains.of_unfinished.result(), "not found", evidence)
    complete = remains.of_complete.result()
    assert complete.phase == COMPLETED, complete.told
    remains.verify_whole()


@check(
    "disaster_recovery.missing_data_told",
    promise="A restore of a backup whose data or objects are not in the bucket any more fails and "
    "says why; the app does not start without its data.",
    features=FEATURES,
    apps=extended("notes"),
)
def test_missing_data_told(remains: Remains, evidence: EvidenceBox) -> None:
    assert_not_done(remains.without_data.result(), "not found", evidence)
    assert_not_done(remains.without_objects.result(), "error downloading backup", evidence)


def assert_not_done(attempt: Attempt, why: str, evidence: EvidenceBox) -> None:
    """A restore does not call itself done, says why, and no app runs on what it has restored."""
    evidence.note(attempt.told)
    assert attempt.phase != COMPLETED, attempt.told
    assert why in attempt.told, f"it does not say why: {attempt.told}"
    assert not attempt.app_runs, f"the app runs without its data: {attempt.told}"
