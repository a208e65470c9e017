"""What is read from Velero's objects, without a Velero."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.services.velero import PodVolume, Velero, seconds_taken, waits_for_data

LOG = """\
time="2026-11-25T13:00:00Z" level=info msg="Batch deleted snapshots [one two]" logSource="x.go:1"
time="2026-11-25T13:00:01Z" level=info msg="Batch deleted snapshots [three]" logSource="x.go:1"
"""


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

    def logs(self, *_: object, container: str) -> str:
        return f"{container}\n{LOG}"


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


def test_snapshots_are_forgotten_that_the_log_says_to_be() -> None:
    api = Api({"metadata": {"name": "velero-1"}})
    assert Velero(api, 1.0).forgotten() == {"one", "two", "three"}  # type: ignore[arg-type]


def test_a_backup_is_synced_when_all_of_its_volumes_are(monkeypatch: pytest.MonkeyPatch) -> None:
    awaited: list[tuple[tuple[object, ...], int]] = []

    def wait_for(_: object, __: object, *where: object, minimum: int = 1, **___: object) -> object:
        awaited.append((where[1:], minimum))
        return {}

    monkeypatch.setattr("conformance.services.velero.wait_for", wait_for)
    Velero(Api(), 1.0).synced("one", volumes=2)  # type: ignore[arg-type]
    assert awaited == [
        (("Backup", "one", "velero"), 1),
        (("PodVolumeBackup", None, "velero", "velero.io/backup-name=one"), 2),
    ]


@pytest.mark.parametrize(
    ("states", "waits"),
    [
        ({}, False),
        ({"migrate": {"running": {}}}, False),
        ({"restore-wait": {"waiting": {}}}, False),
        ({"restore-wait": {"running": {}}}, True),
        ({"restore-wait": {"terminated": {"exitCode": 0}}}, False),
    ],
)
def test_a_pod_waits_for_its_data_while_the_init_container_runs(
    states: dict[str, Any], waits: bool
) -> None:
    statuses = [{"name": name, "state": state} for name, state in states.items()]
    assert waits_for_data().test({"status": {"initContainerStatuses": statuses}}) is waits


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
