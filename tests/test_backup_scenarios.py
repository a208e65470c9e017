"""Backup and loss of an app, as far as that needs no cluster."""

from __future__ import annotations

import threading
import time
from concurrent.futures import CancelledError
from types import SimpleNamespace
from typing import Any

import pytest

from conformance.apps.base import Instance, Seed
from conformance.capabilities.backup_restore import scenarios
from conformance.common.timeouts import Timeouts
from conformance.kube.wait import WaitTimeout
from conformance.services.velero import COMPLETED, PodVolume
from conformance.suite.backed_up_app import BackedUpApp
from conformance.suite.background import Background

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
        self.status = 200
        self.host = "app.stackspin.test"
        self.namespace = "apps"
        self.kube = SimpleNamespace(list=self.list, timeouts=Timeouts())
        url = f"https://{self.host}"
        self.instance = Instance(self.kube, "apps", "x=y", url, self, "app")  # type: ignore[arg-type]
        self.app = self

    def list(self, _: str, kind: str, *__: object, labels: str = "") -> list[dict[str, Any]]:
        del labels
        return self.pods if kind == "Pod" else []

    def wait_served(self) -> SimpleNamespace:
        self.done.append("served")
        return SimpleNamespace(status_code=self.status)

    def verify(self, *_: object) -> None:
        self.done.append("verified")


def backed_up(app: App, *copied: PodVolume) -> BackedUpApp:
    velero = SimpleNamespace(
        back_up=lambda *_, **__: None,
        finished=lambda *_: BACKUP,
        volumes=lambda _: list(copied),
    )
    return BackedUpApp(app, None, {}, velero)  # type: ignore[arg-type]


def test_what_a_backup_lacks_is_found_out_before_the_app_is_lost() -> None:
    app = App()
    backup = backed_up(app).back_up("b")
    app.pods.clear()
    assert "claim app-data (volume data of pod app-1) is not in the backup" in str(backup.missing)


def test_a_restored_app_is_asked_when_the_ingress_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    app = App()
    monkeypatch.setattr(
        "conformance.suite.backed_up_app.wait_each",
        lambda *_, **__: app.done.append("ready"),
    )
    backed_up(app).verify(Seed(1, {}, {}))
    assert app.done == ["ready", "served", "verified"]
    app.status = 503
    with pytest.raises(AssertionError, match="the ingress still answers 503 after 60 s"):
        backed_up(app).verify(Seed(1, {}, {}))


@pytest.mark.parametrize(("ago", "watched"), [(0, 10), (4, 6), (9.5, 1), (300, 1)])
def test_a_pod_is_watched_until_its_time_since_the_restore_is_over(
    ago: float, watched: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    timeouts: list[float] = []

    def wait_each(*_: object, timeout: float | None = None, **__: object) -> None:
        if timeout is not None:
            timeouts.append(timeout)
            raise WaitTimeout("it waits for its data")

    monkeypatch.setattr("conformance.suite.backed_up_app.wait_each", wait_each)
    app = SimpleNamespace(
        kube=None,
        namespace="n",
        install=dict,
        deployment=SimpleNamespace(app=None),
        pods_in=lambda _: None,
    )
    case = scenarios.WholeNamespace(app, None, ("copy", "damaged"))  # type: ignore[arg-type]
    case.end()
    case._damaged_since = time.monotonic() - ago
    assert not case.damaged_is_released()
    assert timeouts == [pytest.approx(watched, abs=0.5)]


def test_acts_follow_one_another_until_one_fails() -> None:
    done: list[str] = []
    acts = Background()
    first = acts.then(lambda: done.append("first"))
    second = acts.then([].pop)
    third = acts.then(lambda: done.append("third"))
    first.result()
    for failed in (second, third):
        with pytest.raises(IndexError):
            failed.result()
    assert done == ["first"]


def test_no_act_begins_after_the_end() -> None:
    begun, may_go_on = threading.Event(), threading.Event()

    def work() -> str:
        begun.set()
        may_go_on.wait(20)
        return "done"

    acts = Background()
    present, later = acts.then(work), acts.then(work)
    begun.wait(20)
    ending = threading.Thread(target=acts.end)
    ending.start()
    assert not present.done()
    may_go_on.set()
    ending.join(20)
    assert present.result() == "done"
    with pytest.raises(CancelledError):
        later.result()
