"""What Velero knows of the backups in a location, and how it is made to forget them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from conformance.common.timeouts import Timeouts
from conformance.kube.conditions import Condition
from conformance.services import velero_sync
from conformance.services.velero_sync import forget, listed

BACKUPS = ["app-one", "app-two"]


class Api:
    """A location with two backups and a repository: remembers what is deleted."""

    namespace = "velero"
    timeouts = Timeouts()

    def __init__(self) -> None:
        self.done: list[str] = []

    def list(self, _: str, kind: str, namespace: str, *, labels: str) -> list[dict[str, Any]]:
        assert (namespace, labels) == ("velero", "velero.io/storage-location=here")
        names = BACKUPS if kind == "Backup" else ["repository"]
        return [{"metadata": {"name": name}} for name in names]

    def delete(self, kind: str, name: str) -> None:
        self.done.append(f"delete {kind} {name}")


def test_backups_are_forgotten_with_their_volumes(monkeypatch: pytest.MonkeyPatch) -> None:
    api: Any = Api()

    def wait_all(_: object, waits: list[Any], *, timeout: float) -> None:
        assert timeout == Timeouts().deletion
        api.done += [f"wait for {each}" for each in waits]

    monkeypatch.setattr(velero_sync, "wait_all", wait_all)
    forget(api, api, "here")
    assert api.done == [
        "delete BackupStorageLocation here",  # or Velero would find the backups there again
        "delete Backup app-one",
        "delete Backup app-two",
        "delete BackupRepository repository",
        "wait for Backup app-one in velero to be: deleted",
        "wait for PodVolumeBackup (each with velero.io/backup-name=app-one) in velero to be: "
        "deleted",
        "wait for Backup app-two in velero to be: deleted",
        "wait for PodVolumeBackup (each with velero.io/backup-name=app-two) in velero to be: "
        "deleted",
    ]


def test_backups_are_listed_once_velero_has_looked(monkeypatch: pytest.MonkeyPatch) -> None:
    awaited: list[Condition] = []

    def wait(_: object, which: object, condition: Condition, *, timeout: float) -> None:
        assert (str(which), timeout) == (
            "BackupStorageLocation here in velero",
            Timeouts().velero_by_itself,
        )
        awaited.append(condition)

    monkeypatch.setattr(velero_sync, "wait", wait)
    api: Any = Api()
    assert listed(api, SimpleNamespace(namespace="velero"), "here") == BACKUPS  # type: ignore[arg-type]
    [looked] = awaited
    assert not looked.test({"status": {"phase": "Available"}})
    assert looked.test({"status": {"phase": "Available", "lastSyncedTime": "now"}})
