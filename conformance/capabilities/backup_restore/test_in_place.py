"""A backup is restored over an app that runs: what Velero leaves as it is, it has to name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from conformance.platform.features import PlatformFeature
from conformance.services.velero import COMPLETED, Velero, seconds_taken
from conformance.suite.check import check, extended

if TYPE_CHECKING:
    from conformance.capabilities.backup_restore.in_place import Damage, InPlace, RestoredOver
    from conformance.kube.objects import Ref
    from conformance.report.evidence import EvidenceBox


@check(
    "backup_restore.in_place_names_what_it_leaves",
    promise="A restore over a running app brings back what is gone, leaves the rest as it is, and "
    "names each object that is not as in the backup.",
    apps=extended("notes"),
    features=(PlatformFeature.OBJECT_STORE,),
)
def test_in_place_names_what_it_leaves(
    in_place: InPlace, velero: Velero, evidence: EvidenceBox
) -> None:
    damage = in_place.damage.result()
    assert damage.differing == damage.done, "the comparison does not find what was damaged"
    restored = in_place.left_alone.result()
    assert restored.item["status"]["phase"] == COMPLETED, velero.explain(restored.item)
    evidence.measure("restore", seconds_taken(restored.item))
    evidence.note(f"left as it was: {lines(restored.named)}")
    assert restored.pod == damage.pod, "the running app was replaced"
    changed = lines(damage.changed ^ restored.differing)
    assert not changed, f"written over, or not brought back: {changed}"
    assert_untouched_data_is_named(damage, restored)
    untold = lines(restored.differing - restored.named)
    assert not untold, f"not as in the backup, and the restore does not say so: {untold}"
    assert restored.warnings >= len(restored.named), (
        f"the Restore counts {restored.warnings} warnings, and has left {lines(restored.named)}"
    )


@check(
    "backup_restore.in_place_update_repairs_objects",
    promise="With existingResourcePolicy update, a restore over a running app repairs damaged "
    "objects, and names the claims, whose data it cannot restore.",
    apps=extended("notes"),
    features=(PlatformFeature.OBJECT_STORE,),
)
def test_in_place_update_repairs_objects(
    in_place: InPlace, velero: Velero, evidence: EvidenceBox
) -> None:
    damage, restored = in_place.damage.result(), in_place.updated.result()
    assert restored.item["status"]["phase"] == COMPLETED, velero.explain(restored.item)
    evidence.measure("restore", seconds_taken(restored.item))
    evidence.note(f"left as it was: {lines(restored.named)}")
    assert in_place.left_alone.result().differing, "nothing was left to repair"
    left = lines(restored.differing)
    assert not left, f"told to update, it leaves what is not as in the backup: {left}"
    assert_untouched_data_is_named(damage, restored)


def assert_untouched_data_is_named(damage: Damage, restored: RestoredOver) -> None:
    """The data is damaged as before, and the restore names the claims that it is on."""
    assert restored.data_differs, "data was written over while the app runs"
    untold = lines(damage.claims - restored.named)
    assert not untold, f"its data was not restored, and the restore does not say so: {untold}"


def lines(refs: Iterable[Ref]) -> str:
    """Return objects in words."""
    return ", ".join(sorted(map(str, refs)))
