"""Restores that are begun at the same time do not get in each other's way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.capabilities.backup_restore.at_once import AGAIN, NEWER, OLDER
from conformance.platform.features import PlatformFeature
from conformance.services.velero import COMPLETED, Velero
from conformance.suite.check import check, extended

if TYPE_CHECKING:
    from conformance.capabilities.backup_restore.at_once import AtOnce
    from conformance.report.evidence import EvidenceBox

CLAIM = "PersistentVolumeClaim"


@check(
    "backup_restore.restores_begun_at_once",
    promise="Restores that begin at the same time each bring back the data of their own backup, "
    "byte for byte.",
    apps=extended("notes"),
    features=(PlatformFeature.OBJECT_STORE,),
)
def test_restores_begun_at_once(at_once: AtOnce, velero: Velero, evidence: EvidenceBox) -> None:
    restores, seeds = at_once.restores.result(), at_once.seeds.result()
    for restore in restores.values():
        assert restore["status"]["phase"] == COMPLETED, velero.explain(restore)
        evidence.note(velero.explain(restore))
    begun = max(one["metadata"]["creationTimestamp"] for one in restores.values())
    ended = min(one["status"]["completionTimestamp"] for one in restores.values())
    assert begun <= ended, f"one had ended at {ended}, before the last was begun at {begun}"
    assert at_once.holds(at_once.older_copy, seeds.first), "the older backup's data is not there"
    later = at_once.holds(at_once.older_copy, seeds.second)
    assert not later, "the restore of the older backup has data of the newer one"
    for seed in (seeds.first, seeds.second):
        assert at_once.holds(at_once.newer_copy, seed), "the newer backup's data is not there"


@check(
    "backup_restore.restore_begun_twice",
    promise="A restore that is begun twice restores each volume once; the second one names the "
    "claims that it found, and harms no data.",
    apps=extended("notes"),
    features=(PlatformFeature.OBJECT_STORE,),
)
def test_restore_begun_twice(at_once: AtOnce, velero: Velero) -> None:
    restores, seeds = at_once.restores.result(), at_once.seeds.result()
    both = [restores[NEWER], restores[AGAIN]]
    volumes = {one["metadata"]["name"]: velero.volumes(one) for one in both}
    wanted = len(at_once.app.deployment.app.volumes)
    times = sum(map(len, volumes.values()))
    assert times == wanted, f"{wanted} volumes were restored {times} times: {volumes}"
    [second] = [one for one in both if not volumes[one["metadata"]["name"]]]
    named = [one for one in at_once.named_by(second) if one.kind == CLAIM]
    assert len(named) == wanted, f"the second restore does not say which claims it left: {named}"
    for seed in (seeds.first, seeds.second):
        assert at_once.holds(at_once.newer_copy, seed), "the backup's data is not there"
    assert velero.volumes(restores[OLDER]), "another restore, begun meanwhile, brought no volume"
