"""What is left of an app is taken away, also what hangs; what stays all the same is told."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conformance.apps.package import leftovers
from conformance.apps.package.given import read_apps
from conformance.apps.package.leftovers import brought_by, take_away
from conformance.common.timeouts import Timeouts
from conformance.kube.errors import NotFound, UnknownKind
from conformance.kube.objects import Object, Ref
from conformance.kube.wait import Wait, WaitTimeout

CRD = "apiextensions.k8s.io/v1"
RBAC = "rbac.authorization.k8s.io/v1"
FOR_THE_CLUSTER = ("ClusterRole", "CustomResourceDefinition", "Namespace")


def an_object(kind: str, name: str, *finalizers: str) -> Object:
    metadata: dict[str, Any] = {"name": name, "namespace": "apps"}
    if finalizers:
        metadata["finalizers"] = list(finalizers)
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata}


class FakeKube:
    """What is deleted goes once it has no finalizers; a pod, if it need not end by itself."""

    timeouts = Timeouts()

    def __init__(self, *objects: Object) -> None:
        self.objects = list(objects)
        self.discovery = SimpleNamespace(find=self._served)

    @staticmethod
    def _served(version: str, kind: str) -> SimpleNamespace:
        if kind == "Thing":
            raise UnknownKind(version, kind)
        return SimpleNamespace(namespaced=kind not in FOR_THE_CLUSTER)

    def find(self, _: str, kind: str, name: str, namespace: str | None = None) -> Object | None:
        del namespace
        named = (one for one in self.objects if one["metadata"]["name"] == name)
        return next((one for one in named if one["kind"] == kind), None)

    def delete(self, *ref: str | None, grace_seconds: int | None = None) -> None:
        item = self.find(*ref)  # type: ignore[arg-type]
        if item is None:
            return
        ends = item["kind"] != "Pod" or grace_seconds == 0
        if ends and not item["metadata"].get("finalizers"):
            self.objects.remove(item)

    def patch(self, *ref_and_body: Any) -> None:
        *ref, body = ref_and_body
        item = self.find(*ref)
        if item is None:
            raise NotFound("PATCH", 404, "NotFound", "there is none")
        item["metadata"]["finalizers"] = body["metadata"]["finalizers"]
        self.delete(*ref)


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Have a wait look once; return for how long each would have waited."""
    waited: list[float] = []

    def wait_all(kube: FakeKube, waits: list[Wait], *, timeout: float) -> None:
        waited.append(timeout)
        for one in waits:
            if kube.find(*one.target):  # type: ignore[misc]
                raise WaitTimeout(f"Waited {timeout:g} s for {one}")

    monkeypatch.setattr(leftovers, "wait_all", wait_all)
    return waited


def take(kube: FakeKube, *others: Ref) -> list[str]:
    return take_away(kube, lambda: [*kube.objects], others)  # type: ignore[arg-type]


def test_what_goes_by_itself_is_not_forced(waits: list[float]) -> None:
    kube = FakeKube(an_object("ConfigMap", "left"))
    assert take(kube) == []
    assert kube.objects == []
    assert len(waits) == 1


def test_what_hangs_loses_its_finalizers_and_its_time_to_end() -> None:
    kube = FakeKube(an_object("ConfigMap", "held", "example.org/never"), an_object("Pod", "slow"))
    assert take(kube) == []
    assert kube.objects == []


def test_what_goes_between_two_looks_is_no_trouble() -> None:
    kube = FakeKube(an_object("ConfigMap", "held", "example.org/never"))
    [held] = kube.objects
    looks = iter([[held], [held], [held]])

    def look() -> list[Object]:
        found = next(looks, [])
        if looks.__length_hint__() == 0:
            kube.objects.clear()
        return found

    assert take_away(kube, look, []) == []  # type: ignore[arg-type]


def test_what_kubernetes_holds_is_left_to_it_and_told() -> None:
    kube = FakeKube(
        an_object("Pod", "slow", "kubernetes.io/psp"), an_object("Secret", "a", "x.y/z")
    )
    assert take(kube) == ["Pod slow in apps (finalizers: kubernetes.io/psp)"]


def test_what_a_package_brought_for_the_cluster_goes_with_it() -> None:
    kube = FakeKube()
    kube.objects.append({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "own"}})
    other = Ref("v1", "Namespace", "own")
    assert take_away(kube, list, [other]) == []  # type: ignore[arg-type]
    assert kube.objects == []


def test_what_may_refuse_a_deletion_goes_first() -> None:
    """A webhook whose pods are gone refuses all that it is asked about."""
    hook = {"apiVersion": "v1", "kind": "ValidatingWebhookConfiguration", "metadata": {"name": "x"}}
    kube = FakeKube(an_object("ConfigMap", "a"), hook)
    gone: list[str] = []
    kube.delete = lambda *ref, **_: gone.append(str(ref[1]))  # type: ignore[method-assign]
    take(kube)
    assert gone[:2] == ["ValidatingWebhookConfiguration", "ConfigMap"]


def test_a_package_brings_what_was_not_there(tmp_path: Path) -> None:
    (tmp_path / "app.yaml").write_text(
        "\n---\n".join(
            f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: {name}}}"
            for version, kind, name in (
                ("v1", "Namespace", "own"),
                ("v1", "Namespace", "there"),
                (CRD, "CustomResourceDefinition", "things.example.org"),
                ("example.org/v1", "Thing", "of-a-kind-of-its-own"),
                (RBAC, "ClusterRole", "reads-all"),
                (RBAC, "ClusterRole", "theirs"),
                ("v1", "ConfigMap", "settings"),
            )
        )
        + "\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: own}\n"
    )
    [given] = read_apps(tmp_path)
    there = [
        {"apiVersion": "any", "kind": kind, "metadata": {"name": name}}
        for kind, name in (("Namespace", "there"), ("ClusterRole", "theirs"))
    ]
    brought = brought_by(given.app, FakeKube(*there))  # type: ignore[arg-type]
    assert set(brought) == {
        Ref("v1", "Namespace", "own"),
        Ref(CRD, "CustomResourceDefinition", "things.example.org"),
        Ref(RBAC, "ClusterRole", "reads-all"),
    }
