"""Volumes: a claim of the platform's storage class gets one, and its class says when it goes."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from conformance.clusters.base import Feature
from conformance.kube.conditions import deleted, phase
from conformance.kube.objects import Ref
from conformance.kube.wait import wait
from conformance.platform.features import PlatformFeature
from conformance.suite.check import check

if TYPE_CHECKING:
    from conformance.capabilities.persistent_storage.claims import ClaimBytes
    from conformance.kube.client import Kube


@check(
    "persistent_storage.claim_binds",
    promise="A claim with the platform's storage class gets a volume that a pod can write to.",
)
def test_claim_binds(claim_bytes: ClaimBytes) -> None:
    claimed = claim_bytes()
    volume = claimed.bound()
    assert "local" in volume["spec"], "the volume is of a type that backups of files leave out"
    assert len(claimed.written()) == len(hashlib.sha256().hexdigest())


@check(
    "persistent_storage.delete_removes_bytes",
    promise="With reclaim policy Delete, deleting a claim removes its bytes from the node's disk.",
    needs=(Feature.BYTES_ON_DISK,),
)
def test_delete_removes_bytes(claim_bytes: ClaimBytes, kube: Kube) -> None:
    claimed = claim_bytes()
    volume = claimed.bound()
    assert claimed.on_disk(volume) == claimed.written(), (
        "the node's disk does not have the pod's bytes"
    )
    claimed.release()
    gone = Ref("v1", "PersistentVolume", volume["metadata"]["name"])
    wait(kube, gone, deleted(), timeout=kube.timeouts.volume_reclaimed)
    assert claimed.on_disk(volume) is None, "the bytes are still on the node's disk"


@check(
    "persistent_storage.retain_keeps_bytes",
    promise="With reclaim policy Retain, the volume and its bytes stay after the claim is deleted.",
    needs=(Feature.BYTES_ON_DISK,),
    touches="node",
    effect="deletes a folder on the node, that of a volume it made",
    features=(PlatformFeature.RETAINED_VOLUMES,),
)
def test_retain_keeps_bytes(claim_bytes: ClaimBytes, kube: Kube) -> None:
    kept = claim_bytes(retained=True)
    volume = kept.bound()
    written = kept.written()
    kept.release()
    deleted_later = claim_bytes()
    other = deleted_later.bound()["metadata"]["name"]
    deleted_later.release()
    wait(
        kube,
        Ref("v1", "PersistentVolume", other),
        deleted(),
        timeout=kube.timeouts.volume_reclaimed,
    )
    assert kept.on_disk(volume) == written, "the bytes are not on the node's disk any more"
    wait(kube, Ref("v1", "PersistentVolume", volume["metadata"]["name"]), phase("Released"))


@check(
    "persistent_storage.impossible_claim_explained",
    promise="A claim that the platform cannot fulfil stays pending, and an event says why.",
)
def test_impossible_claim_explained(claim_bytes: ClaimBytes) -> None:
    claimed = claim_bytes(access_mode="ReadWriteMany")
    assert "ReadWriteOnce" in claimed.explanation()
