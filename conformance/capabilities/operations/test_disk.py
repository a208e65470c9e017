"""What an app makes of a disk that fills up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.clusters.base import Feature
from conformance.suite.check import check

if TYPE_CHECKING:
    from conformance.capabilities.operations.small_disk import SmallDisk
    from conformance.report.evidence import EvidenceBox


@check(
    "operations.disk_full",
    level="extended",
    promise="An app whose disk is full reports what it cannot store, and loses nothing that it has "
    "stored, even if its pod is replaced meanwhile; once there is room, it recovers without help.",
    needs=(Feature.NODE_SHELL, Feature.BYTES_ON_DISK),
    touches="node",
    effect="mounts a disk of 64 MiB, in memory, over a volume of an app of its own",
)
def test_disk_full(small_disk: SmallDisk, evidence: EvidenceBox) -> None:
    seed = small_disk.seed()
    with small_disk.full():
        stored, refused = small_disk.store()
        pod = small_disk.replace_pod()
    with evidence.timed("served again once there was room"):
        small_disk.deployment.wait_for_replacement(pod)
    stored_later, refused_later = small_disk.store()
    assert not refused_later, f"with room again, the app still refuses: {refused_later[0]}"
    small_disk.verify(seed, [*stored, *stored_later])
    assert refused, f"the app has stored {len(stored)} notes on a full disk: it is not on it"
    evidence.note(f"on the full disk the app said: {refused[0]}")
