"""How long a package is waited for, and when that ends early."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from delivered_packages import (
    FakeBranch,
    FakeKube,
    a_delivery,
    an_object,
    installed,
)

from conformance.apps.package import time_limit, waits
from conformance.apps.package.delivery import Delivery
from conformance.apps.package.placement import place
from conformance.apps.package.reference import reference_copy
from conformance.apps.package.time_limit import OutOfTime, TimeLimit
from conformance.common.package import Package
from conformance.common.settings import data_root
from conformance.kube.wait import Wait, WaitFailed, WaitTimeout
from conformance.services.flux import hopeless


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the clock of every time limit shows; a test moves it on."""
    clock = [100.0]
    monkeypatch.setattr(time_limit, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    return clock


def test_only_what_was_ready_once_can_stop(
    kube: FakeKube, monkeypatch: pytest.MonkeyPatch, no_waiting: list[Wait]
) -> None:
    del no_waiting

    def never(*_: object, **__: object) -> None:
        raise WaitTimeout("Waited 20 s")

    ready = waits.wait_all
    delivery, branch = a_delivery(kube)
    assert not delivery.is_there
    branch.flux_does = [lambda: None, lambda: None]
    delivery.begin()
    monkeypatch.setattr(waits, "wait_all", never)
    assert (delivery.is_there, delivery.has_stopped()) == (True, False)
    monkeypatch.setattr(waits, "wait_all", ready)
    delivery.wait_ready()
    assert not delivery.has_stopped()
    monkeypatch.setattr(waits, "wait_all", never)
    assert delivery.has_stopped()
    monkeypatch.setattr(waits, "wait_all", ready)
    delivery.remove()
    assert not delivery.is_there


def test_an_app_that_never_got_ready_is_waited_for_once(
    kube: FakeKube, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[object] = []

    def never(*_: object, **__: object) -> None:
        waited.append(1)
        raise WaitTimeout("Waited 180 s for Deployment pages to be: rolled out")

    monkeypatch.setattr(waits, "wait_all", never)
    delivery, _ = a_delivery(kube)
    for within in (20.0, None, 20.0, None):
        with pytest.raises(WaitFailed, match="Deployment pages to be"):
            delivery.wait_ready(within)
    assert len(waited) == 2
    monkeypatch.undo()
    ready, _ = a_delivery(kube)
    ready.wait_ready()
    monkeypatch.setattr(waits, "wait_all", never)
    for _ in range(2):
        with pytest.raises(WaitFailed):
            ready.wait_ready()
    assert len(waited) == 4, "one that was Ready may get so again"


def test_a_stopped_app_is_not_waited_for(kube: FakeKube, no_waiting: list[Wait]) -> None:
    delivery, _ = installed(kube)
    asked, ended = [], []
    delivery.guard = SimpleNamespace(  # type: ignore[assignment]
        reason="the app was stopped, as it fills the node's disk",
        tells=lambda: asked.append(True),
        end=lambda: ended.append(True),
    )
    for wait in (delivery.wait_applied, delivery.wait_ready):
        with pytest.raises(WaitFailed, match="the app was stopped"):
            wait()
    assert no_waiting == []
    assert asked == [True, True], "who waits is told"
    delivery.clean_up()
    assert ended == [True]


def test_a_release_that_helm_refuses_to_begin_with_is_given_up() -> None:
    """Its status never gets to be of its generation."""
    release = an_object("HelmRelease", "pages")
    release |= {"status": {"observedGeneration": -1, "failures": 5}}
    assert not hopeless().test(release)
    release["status"]["failures"] = 6
    assert hopeless().test(release)
    release["status"] = {"conditions": [{"type": "Stalled", "status": "True"}]}
    assert hopeless().test(release)


def test_no_wait_is_longer_than_the_time_that_an_app_has() -> None:
    assert 0 < TimeLimit(1).at_most(300) <= 60
    assert TimeLimit(10).at_most(5) == 5
    with pytest.raises(OutOfTime, match=r"used up its 1e-09 minutes \(--time, .*\n  To do"):
        TimeLimit(1e-9).at_most(5)


@pytest.mark.parametrize(
    ("of_release", "longest"), [("10m", 630.0), (None, 330.0), ("5s", 300.0), ("soon", 330.0)]
)
def test_a_package_that_has_flux_wait_for_longer_is_waited_for_as_long(
    kube: FakeKube,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    of_release: str | None,
    longest: float,
) -> None:
    timeouts: list[float] = []
    monkeypatch.setattr(waits, "wait_all", lambda *_, timeout, **__: timeouts.append(timeout))
    placement = place(reference_copy(Package(data_root()), "notes", "memos", tmp_path))
    for release in placement.releases:
        release.manifest.value["spec"]["timeout"] = of_release
    delivery = Delivery(FakeBranch(kube), placement, "memos", TimeLimit(60))  # type: ignore[arg-type]
    delivery.wait_applied()
    assert timeouts == [longest]


def test_a_wait_that_the_apps_time_cuts_says_so_and_what_it_waited_for(
    kube: FakeKube, monkeypatch: pytest.MonkeyPatch, now: list[float]
) -> None:
    def never(*_: object, timeout: float, **__: object) -> None:
        now[0] += timeout
        raise WaitTimeout(f"Waited {timeout:g} s for Kustomization pages to be: reconciled")

    delivery, _ = a_delivery(kube, limit=TimeLimit(0.5))
    delivery.begin()
    monkeypatch.setattr(waits, "wait_all", never)
    with pytest.raises(OutOfTime, match=r"used up its 0.5 minutes .*\n  To do: .*\nWaited 30 s"):
        delivery.wait_applied()
    another, _ = a_delivery(FakeKube(), limit=TimeLimit(10))
    with pytest.raises(WaitTimeout, match=r"^Waited 300 s for Kustomization"):
        another.wait_applied()


def test_what_is_not_of_the_apps_doing_takes_none_of_its_time(now: list[float]) -> None:
    limit = TimeLimit(1)
    with limit.paused():
        now[0] += 3600
    assert limit.at_most(300) == 60
    now[0] += 61
    with pytest.raises(OutOfTime):
        limit.at_most(300)
