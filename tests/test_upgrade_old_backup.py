"""A backup of the release before, restored by the next one, as far as that needs no cluster."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from asked_velero import AskedVelero

from conformance.apps.base import Instance
from conformance.capabilities.platform_upgrade import old_backup
from conformance.capabilities.platform_upgrade import upgrade as module
from conformance.capabilities.platform_upgrade.old_backup import (
    BACKUP,
    COPIES,
    LEFT_OUT,
    OldBackup,
)
from conformance.capabilities.platform_upgrade.upgrade import Upgrade
from conformance.common.timeouts import Timeouts

if TYPE_CHECKING:
    from collections.abc import Iterator


class Velero(AskedVelero):
    """What it backs up ends in this phase."""

    def __init__(self, phase: str) -> None:
        super().__init__()
        self.phase = phase
        self.kube = SimpleNamespace(timeouts=Timeouts(), delete=self._delete)

    def _delete(self, *what: str | None) -> None:
        self.asked.append(("delete", *what))

    def finished(self, kind: str, name: str) -> dict[str, Any]:
        item = super().finished(kind, name)
        return {**item, "status": {"phase": self.phase}} if kind == "Backup" else item

    def explain(self, item: dict[str, Any]) -> str:
        return f"it is {item['status']['phase']}"


def backed_up(velero: Velero) -> OldBackup:
    platform = SimpleNamespace(apps="stackspin-apps")
    clients: Any = SimpleNamespace(platform=platform, velero=lambda: velero, kube=velero.kube)
    return OldBackup.of_apps(clients)


def test_it_is_restored_beside_the_apps_without_what_flux_and_the_provider_know(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(old_backup, "wait", lambda *_, **__: None)
    velero = Velero("Completed")
    with backed_up(velero).restored():
        assert "delete" not in [one[0] for one in velero.asked]
    assert velero.asked[-1] == ("delete", "v1", "Namespace", COPIES, None)
    assert velero.asked[0] == ("back up", BACKUP, "stackspin-apps", None)
    [(_, _, backup, more)] = [one for one in velero.asked if one[0] == "restore"]
    assert (backup, more["mapping"]) == (BACKUP, {"stackspin-apps": COPIES})
    assert more["excluded"] == LEFT_OUT
    assert "helmreleases.helm.toolkit.fluxcd.io" in LEFT_OUT


def test_one_that_is_not_complete_is_not_restored() -> None:
    velero = Velero("PartiallyFailed")
    backup = backed_up(velero)
    with pytest.raises(AssertionError, match="it is PartiallyFailed"), backup.restored():
        pass
    assert "restore" not in [one[0] for one in velero.asked]


def test_the_data_of_the_copy_is_compared_and_not_that_of_the_app(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = Instance(None, "stackspin-apps", "", "https://notes.test", None, "notes")  # type: ignore[arg-type]
    compared: list[tuple[str, object]] = []
    hosts: list[str] = []

    @contextmanager
    def reached(copy: Instance, host: str) -> Iterator[Instance]:
        hosts.append(host)
        yield copy

    monkeypatch.setattr(module, "reached", reached)
    made: Any = SimpleNamespace(
        done=lambda: (SimpleNamespace(site=None, seed="seed"), None),
        _instance=lambda _: app,
        _app=SimpleNamespace(verify=lambda where, seed: compared.append((where.namespace, seed))),
    )
    Upgrade.verify_copy(made)
    assert (compared, hosts) == ([(COPIES, "seed")], ["notes.test"])
