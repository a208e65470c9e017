"""An app on its way through backup and loss, as far as that needs no cluster."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from conformance.apps.base import Instance
from conformance.capabilities.backup_restore.journeys import Journey, Place
from conformance.services.velero import COMPLETED, PodVolume

BACKUP = {"metadata": {"name": "b"}, "status": {"phase": COMPLETED}}


class App:
    """An app with one volume, as a cluster and its ingress show it; ``lose`` takes it away."""

    def __init__(self) -> None:
        claim = {"name": "data", "persistentVolumeClaim": {"claimName": "app-data"}}
        self.pods = [
            {
                "metadata": {"name": "app-1", "labels": {}, "annotations": {}},
                "spec": {"volumes": [claim]},
                "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
            }
        ]
        self.done: list[str] = []
        self.host = "app.stackspin.test"
        self.namespace = "apps"
        self.kube = SimpleNamespace(list=self.list)
        url = f"https://{self.host}"
        self.instance = Instance(self.kube, "apps", "x=y", url, self, "app")  # type: ignore[arg-type]
        self.app = self

    def list(self, _: str, kind: str, *__: object, labels: str = "") -> list[dict[str, Any]]:
        del labels
        return self.pods if kind == "Pod" else []

    def wait_served(self) -> None:
        self.done.append("served")

    def verify(self, *_: object) -> None:
        self.done.append("verified")


class Lost(Journey):
    """Backed up without its volume, and lost."""

    steps = ("_install", "_back_up_app", "_lose")

    def run(self) -> dict[str, Any]:
        self._reach(self._lose)
        return self._reach(self._back_up_app)

    def _install(self) -> Any:
        return None

    def _back_up_app(self) -> dict[str, Any]:
        return self._back_up("b")

    def _lose(self) -> None:
        self.deployment.pods.clear()  # type: ignore[attr-defined]


def journey(app: App, *copied: PodVolume) -> Lost:
    velero = SimpleNamespace(
        back_up=lambda *_, **__: None,
        finished=lambda *_: BACKUP,
        volumes=lambda _: list(copied),
    )
    place = Place(velero, None, None, {}, {})  # type: ignore[arg-type]
    return Lost(app, place)  # type: ignore[arg-type]


def test_what_a_backup_lacks_is_found_out_before_the_app_is_lost() -> None:
    lost = journey(App())
    backup = lost.run()
    assert "claim app-data (volume data of pod app-1) is not in the backup" in str(
        lost.missing_volumes(backup)
    )


def test_a_restored_app_is_asked_when_the_ingress_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    app = App()
    monkeypatch.setattr(
        "conformance.capabilities.backup_restore.journeys.wait_each",
        lambda *_, **__: app.done.append("ready"),
    )
    journey(app)._verify(app.instance)
    assert app.done == ["ready", "served", "verified"]
