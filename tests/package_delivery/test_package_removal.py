"""What is there after the removal of a package, and how the rest is taken away."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from delivered_packages import (
    FakeKube,
    a_delivery,
    an_object,
    installed,
)

from conformance.apps.package import leftovers, waits
from conformance.apps.package.given import GivenApp
from conformance.apps.package.model.description import Description
from conformance.apps.package.secrets_by_hand import made_by_hand
from conformance.common.redaction import Redactor
from conformance.kube.wait import Wait, WaitTimeout
from conformance.platform.reference.content import ROOT_KUSTOMIZATION


def test_a_removal_tells_claims_from_what_is_left_and_from_what_is_lost(
    kube: FakeKube, no_waiting: list[Wait]
) -> None:
    del no_waiting
    kept, lost = (an_object("PersistentVolumeClaim", name) for name in ("kept", "lost"))
    delivery, branch = installed(kube, kept, lost, an_object("ConfigMap", "forgotten"))

    def prune() -> None:
        kube.objects.remove(lost)
        kept["metadata"]["labels"] = {"any": "change"}

    branch.flux_does = [prune]
    remains = delivery.remove()
    assert remains.names_of_claims == ["kept"]
    assert remains.lost == ["lost"]
    assert remains.names_of_left == ["ConfigMap forgotten in stackspin-apps"]


def test_a_package_comes_back_as_it_was(kube: FakeKube, no_waiting: list[Wait]) -> None:
    del no_waiting
    delivery, branch = installed(kube)
    there = dict(branch.content)
    branch.flux_does = [lambda: None, lambda: None]
    delivery.remove()
    assert branch.content != there
    delivery.put_back()
    assert branch.content == there
    branch.flux_does = [lambda: None]
    delivery.remove()
    assert list(branch.content) == [ROOT_KUSTOMIZATION]


def test_what_is_about_to_go_is_waited_for(kube: FakeKube, no_waiting: list[Wait]) -> None:
    pod = an_object("Pod", "pages-1", owner="pages")
    delivery, _ = installed(kube, pod, an_object("ConfigMap", "forgotten"))
    delivery.remove()
    assert [wait.target.name for wait in no_waiting if wait.target.kind == "Pod"] == ["pages-1"]


def test_what_hangs_says_what_to_do(kube: FakeKube, monkeypatch: pytest.MonkeyPatch) -> None:
    def hangs(_: object, these: list[Wait], **__: object) -> None:
        for one in these:
            if one.target.kind == "ConfigMap":
                raise WaitTimeout(f"Waited 120 s for {one}\n  finalizers: example.org/never")

    held = an_object("ConfigMap", "held")
    delivery, _ = installed(kube, held)
    held["metadata"]["deletionTimestamp"] = "2026-11-28T20:00:00Z"
    monkeypatch.setattr(waits, "wait_all", hangs)
    with pytest.raises(WaitTimeout, match=r"ConfigMap held.*\n  To do: .*\n  finalizers: example"):
        delivery.remove()


def test_cleaning_up_leaves_nothing_of_the_app_and_all_of_the_others(
    kube: FakeKube, no_waiting: list[Wait]
) -> None:
    del no_waiting
    before = list(kube.objects)
    delivery, _ = installed(
        kube, an_object("ConfigMap", "left"), an_object("PersistentVolumeClaim", "data")
    )
    assert delivery.clean_up() == []
    assert kube.objects == before


def test_what_an_app_had_for_the_whole_cluster_goes_too_and_that_of_others_stays(
    kube: FakeKube, no_waiting: list[Wait]
) -> None:
    del no_waiting
    of_flux = "kustomize.toolkit.fluxcd.io/name"
    theirs = [
        an_object("ClusterRole", "of-another", None, labels={of_flux: "notes"}),
        an_object("ClusterRole", "of-nobody", None),
    ]
    mine = an_object("ClusterRole", "renamed-by-a-patch", None, labels={of_flux: "pages"})
    before = list(kube.objects)
    delivery, _ = installed(kube, mine, *theirs)
    assert delivery.made() == []
    assert delivery.clean_up() == []
    assert kube.objects == [*before, *theirs]


@pytest.mark.parametrize("hangs", [False, True])
def test_of_what_flux_does_not_remove_in_time_only_what_stays_is_told(
    kube: FakeKube, monkeypatch: pytest.MonkeyPatch, *, hangs: bool
) -> None:
    def never(*_: object, **__: object) -> None:
        raise WaitTimeout("Waited 45 s for Kustomization pages to be: deleted")

    monkeypatch.setattr(waits, "wait_all", never)
    monkeypatch.setattr(leftovers, "wait_all", never)
    before = list(kube.objects)
    delivery, _ = installed(kube, an_object("ConfigMap", "left"))
    if hangs:
        monkeypatch.setattr(kube, "delete", lambda *_, **__: None)
    told = delivery.clean_up()
    assert [one for one in told if "ConfigMap left" in one] == told
    assert bool(told) == hangs
    assert (kube.objects == before) != hangs


def test_nothing_is_cleaned_up_of_what_was_never_installed(kube: FakeKube) -> None:
    delivery, _ = a_delivery(kube)
    before = list(kube.objects)
    assert delivery.clean_up() == []
    assert kube.objects == before


def test_a_namespace_that_nobody_has_is_made_and_taken_away(
    kube: FakeKube, no_waiting: list[Wait]
) -> None:
    del no_waiting
    kube.objects = [one for one in kube.objects if one["metadata"]["name"] != "stackspin-apps"]
    delivery, _ = installed(kube, an_object("ConfigMap", "kube-root-ca.crt"))
    assert kube.find("v1", "Namespace", "stackspin-apps")
    assert delivery.made() == []
    delivery.clean_up()
    assert kube.find("v1", "Namespace", "stackspin-apps") is None


def a_chart_alone(**described: Any) -> GivenApp:
    app: Any = SimpleNamespace(charts=["chart"], written=())
    given: Any = SimpleNamespace(app=app, description=Description.model_validate(described))
    return given


def test_secrets_made_by_hand_come_before_the_app_and_go_after_it(
    kube: FakeKube, no_waiting: list[Wait]
) -> None:
    del no_waiting
    before = list(kube.objects)
    described = {"name": "admin", "data": {"password": "${generated}", "of": "${domain}"}}
    redactor = Redactor()
    [secret] = made_by_hand(a_chart_alone(secrets=[described]), "stackspin.test", redactor)
    assert secret["stringData"]["of"] == "stackspin.test"
    assert secret["stringData"]["password"] not in redactor.redact(str(secret))
    delivery, branch = a_delivery(kube, by_hand=[secret])
    branch.flux_does = [lambda: None, lambda: None]
    delivery.begin()
    assert kube.find("v1", "Secret", "admin", "stackspin-apps")
    assert delivery.made() == []
    delivery.clean_up()
    assert kube.objects == before
