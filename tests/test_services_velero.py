"""What is read from Velero's objects, without a Velero."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.services.velero import PodVolume, Velero, seconds_taken


class Api:
    """Answers like ``Kube``: remembers what is created, lists what it was given."""

    def __init__(self, *listed: dict[str, Any]) -> None:
        self.created: list[dict[str, Any]] = []
        self._listed = list(listed)

    def create(self, manifest: dict[str, Any]) -> dict[str, Any]:
        self.created.append(manifest)
        return manifest

    def list(self, *_: object, labels: str) -> list[dict[str, Any]]:
        self.labels = labels
        return self._listed


def _backup(**status: Any) -> dict[str, Any]:
    return {"kind": "Backup", "metadata": {"name": "one"}, "status": status}


def _pod_volume_backup(**status: Any) -> dict[str, Any]:
    spec = {"pod": {"namespace": "apps", "name": "notes-1"}, "volume": "data"}
    return {"spec": spec, "status": status}


def test_a_backup_of_a_set_names_namespaces_and_label() -> None:
    api = Api()
    Velero(api, 1.0).back_up("one", namespaces=["apps"], labels={"set": "notes"})  # type: ignore[arg-type]
    [made] = api.created
    assert made["spec"]["includedNamespaces"] == ["apps"]
    assert made["spec"]["labelSelector"] == {"matchLabels": {"set": "notes"}}
    assert made["metadata"] == {"name": "one", "namespace": "velero"}


def test_a_restore_may_go_elsewhere() -> None:
    api = Api()
    Velero(api, 1.0).restore("two", "one", mapping={"apps": "copy"}, excluded=["ingresses"])  # type: ignore[arg-type]
    [made] = api.created
    assert made["spec"] == {
        "backupName": "one",
        "excludedResources": ["ingresses"],
        "namespaceMapping": {"apps": "copy"},
    }


def test_volumes_of_a_backup_that_has_just_begun() -> None:
    api = Api(_pod_volume_backup())
    assert Velero(api, 1.0).volumes(_backup()) == [  # type: ignore[arg-type]
        PodVolume("apps", "notes-1", "data", "New", "", 0, "")
    ]
    assert api.labels == "velero.io/backup-name=one"


def test_an_explanation_has_all_that_velero_says() -> None:
    api = Api(_pod_volume_backup(phase="Failed", message="connection refused"))
    backup = _backup(
        phase="PartiallyFailed", errors=1, failureReason="no store", validationErrors=["no bucket"]
    )
    text = Velero(api, 1.0).explain(backup)  # type: ignore[arg-type]
    assert text.splitlines() == [
        "Backup one is PartiallyFailed: 1 errors, 0 warnings",
        "  no store",
        "  no bucket",
        "  volume data of pod notes-1 is Failed: connection refused",
    ]


def test_seconds_are_those_between_start_and_end() -> None:
    times = {
        "startTimestamp": "2026-11-24T17:00:00Z",
        "completionTimestamp": "2026-11-24T17:01:05Z",
    }
    assert seconds_taken(_backup(**times)) == 65.0
    with pytest.raises(KeyError):
        seconds_taken(_backup())
