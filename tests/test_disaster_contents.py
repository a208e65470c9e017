"""What only a cluster has, and what of it a backup lacks, as far as that needs no cluster."""

from __future__ import annotations

import gzip
import json
from types import SimpleNamespace
from typing import Any

import pytest

from conformance.capabilities.disaster_recovery.contents import (
    OnlyHere,
    lacking,
    wait_until_removed,
)
from conformance.common.timeouts import Timeouts
from conformance.kube.objects import Ref
from conformance.kube.wait import Wait
from conformance.platform.reference import reference_platform
from conformance.services.velero import COMPLETED, PodVolume

BACKUP = {"metadata": {"name": "b"}}
IN_GIT = {"kustomize.toolkit.fluxcd.io/name": "velero"}


def a_secret(name: str, labels: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": labels or {}, **more}, "data": {"key": "dmFsdWU="}}


GENERATED = a_secret("generated", ownerReferences=[{"kind": "StringSecret"}])
BY_HAND = a_secret("by-hand")
FROM_ELSEWHERE = (
    a_secret("of-flux", IN_GIT),
    a_secret("of-a-chart", {"app.kubernetes.io/managed-by": "Helm"}),
    a_secret("of-the-run", {"conformance.stackspin.net/run": "abc"}),
    {**a_secret("sh.helm.release.v1.x.v1"), "type": "helm.sh/release.v1"},
)
POD = {
    "metadata": {
        "name": "database-1",
        "labels": {"stackspin.net/backupSet": "dashboard"},
        "annotations": {"backup.velero.io/backup-volumes": "data"},
    },
    "spec": {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "database"}}]},
    "status": {"phase": "Running"},
}


class Cluster:
    """What the API of a cluster, its Velero and its bucket say."""

    timeouts = Timeouts()

    def __init__(self) -> None:
        self.platform = reference_platform("stackspin.test")
        self.kube = self
        self.there: dict[tuple[str, str], list[dict[str, Any]]] = {
            ("Secret", "flux-system"): [GENERATED, BY_HAND, *FROM_ELSEWHERE],
            ("Secret", "velero"): [a_secret("of-the-bucket")],
            ("Pod", "stackspin"): [POD],
        }
        self.kept = ["flux-system/generated", "flux-system/by-hand"]
        self.copied = [PodVolume("stackspin", "database-1", "data", COMPLETED, "", 1, "s")]

    def list(self, _: str, kind: str, namespace: str | None = None) -> list[dict[str, Any]]:
        return self.there.get((kind, namespace or ""), [])

    def velero(self) -> SimpleNamespace:
        return SimpleNamespace(volumes=lambda _: self.copied)

    def read(self, name: str) -> bytes:
        assert name == "backups/b/b-resource-list.json.gz"
        return gzip.compress(json.dumps({"v1/Secret": self.kept}).encode())


@pytest.fixture
def cluster() -> Any:
    return Cluster()


def test_what_git_and_charts_bring_is_not_only_here(cluster: Any) -> None:
    assert OnlyHere.on(cluster).secrets == {"flux-system/generated", "flux-system/by-hand"}


def test_a_backup_of_everything_lacks_nothing(cluster: Any) -> None:
    assert lacking(cluster, cluster, BACKUP, OnlyHere.on(cluster)) == []


def test_a_secret_that_is_nowhere_else_is_missed(cluster: Any) -> None:
    cluster.kept.remove("flux-system/generated")
    found = lacking(cluster, cluster, BACKUP, OnlyHere.on(cluster))
    assert found == ["Secret flux-system/generated is not in the backup"]


def test_what_is_gone_by_now_is_not_missed(cluster: Any) -> None:
    wanted = OnlyHere.on(cluster)
    cluster.kept.remove("flux-system/by-hand")
    cluster.there["Secret", "flux-system"].remove(BY_HAND)
    assert lacking(cluster, cluster, BACKUP, wanted) == []


def test_a_volume_that_was_not_copied_is_missed(cluster: Any) -> None:
    cluster.copied = [PodVolume("stackspin", "database-1", "data", "Failed", "", 0, "")]
    [line] = lacking(cluster, cluster, BACKUP, OnlyHere.on(cluster))
    assert line.startswith("claim database (volume data of pod database-1) is not in the backup")


def test_a_claim_that_is_being_deleted_is_waited_for(
    cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    awaited: list[Wait] = []
    going = {"metadata": {"name": "going", "deletionTimestamp": "2026-11-29T13:06:01Z"}}
    cluster.there["PersistentVolumeClaim", "stackspin-apps"] = [going, a_secret("stays")]
    monkeypatch.setattr(
        "conformance.capabilities.disaster_recovery.contents.wait_all",
        lambda _kube, waits, **_: awaited.extend(waits),
    )
    wait_until_removed(cluster)
    assert [one.target for one in awaited] == [
        Ref("v1", "PersistentVolumeClaim", "going", "stackspin-apps")
    ]
