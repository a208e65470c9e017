"""An app whose volumes hold far more than they ask for is stopped; others are let alone."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from conformance.apps.package import disk_guard
from conformance.apps.package.disk_guard import DiskGuard, stop_app
from conformance.clusters.base import Feature
from conformance.common.errors import HarnessError
from conformance.kube.errors import NotFound
from conformance.kube.objects import Object, Ref

GIB = 1024**3
VOLUME: Object = {"spec": {"local": {"path": "/opt/local-path-provisioner/data"}}}


class Node:
    """A node's disk: free space, and what the app's volume holds."""

    features = frozenset(Feature)

    def __init__(self, free: int = 20 * GIB, used: int = 0) -> None:
        self.free, self.used = free, used
        self.measured = 0
        self.down = False

    def node_run(self, argv: Sequence[str]) -> Any:
        if self.down:
            raise HarnessError("the node is not running")
        if argv[0] == "du":
            assert argv[-1] == VOLUME["spec"]["local"]["path"]
            self.measured += 1
            return SimpleNamespace(stdout=f"{self.used}\t{argv[-1]}\n".encode())
        return SimpleNamespace(stdout=f"{self.free}\n".encode())

    def write(self, size: int) -> None:
        self.free -= size
        self.used += size


def a_claim(asked: str = "1Gi", volume: str = "pv-1") -> Object:
    spec: Object = {"resources": {"requests": {"storage": asked}}, "volumeName": volume}
    return {"kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": spec}


def a_guard(node: Node, *claims: Object, stop: Any = lambda: None) -> DiskGuard:
    kube: Any = SimpleNamespace(find=lambda *ref: VOLUME if ref[-1] == "pv-1" else None)
    guard = DiskGuard(node, kube, lambda: list(claims), stop)  # type: ignore[arg-type]
    guard._measured_at = node.free
    return guard


def test_a_volume_that_holds_far_more_than_it_asks_for_is_told() -> None:
    node = Node()
    guard = a_guard(node, a_claim())
    node.write(3 * GIB)
    told = guard.excess()
    assert "its claim data asks for 1024 MiB and holds 3072 MiB\n  To do: Have the app" in told


@pytest.mark.parametrize("claim", [a_claim("2Gi"), a_claim(volume="elsewhere"), a_claim(volume="")])
def test_a_volume_as_large_as_asked_for_is_let_alone(claim: Object) -> None:
    node = Node()
    guard = a_guard(node, claim)
    node.write(3 * GIB)
    assert guard.excess() == ""


def test_volumes_are_measured_only_when_the_disk_has_less_space() -> None:
    node = Node(used=9 * GIB)
    guard = a_guard(node, a_claim())
    node.free += GIB
    assert guard.excess() == ""
    node.free -= GIB // 8
    assert guard.excess() == ""
    assert node.measured == 0
    node.free -= GIB // 4
    assert guard.excess()
    assert node.measured == 1


def test_the_app_is_stopped_once_though_the_node_is_down_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(disk_guard, "_LOOK", 0.01)
    node, stopped = Node(), threading.Event()
    guard = a_guard(node, a_claim(), stop=stopped.set)
    guard.begin()
    node.down = True
    assert not stopped.wait(0.1)
    node.down = False
    node.write(5 * GIB)
    assert stopped.wait(20)
    assert "fills the node's disk" in guard.reason
    guard.end()


def test_a_node_that_nobody_can_look_at_is_not_watched() -> None:
    node = Node()
    node.features = frozenset()
    guard = a_guard(node)
    node.down = True
    guard.begin()
    guard.end()


def test_the_first_who_asks_is_told_that_the_app_was_stopped() -> None:
    guard = a_guard(Node())
    assert not guard.tells()
    guard.reason = "it fills the disk"
    assert [guard.tells() for _ in range(3)] == [True, False, False]


def test_a_stopped_app_has_no_pods_and_nobody_who_brings_them_back() -> None:
    suspended, deleted = [], []
    gone = Ref("helm.toolkit.fluxcd.io/v2", "HelmRelease", "gone", "apps")
    there = Ref("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "pages", "flux-system")

    def suspend(kind: str, name: str, namespace: str) -> None:
        if name == "gone":
            raise NotFound("PATCH", 404, "NotFound", "there is none")
        suspended.append((kind, name, namespace))

    made = [
        {"apiVersion": "v1", "kind": kind, "metadata": {"name": "pages", "namespace": "apps"}}
        for kind in ("ConfigMap", "Deployment", "PersistentVolumeClaim", "Pod")
    ]
    kube: Any = SimpleNamespace(delete=lambda *ref, **_: deleted.append(ref[1]))
    flux: Any = SimpleNamespace(suspend=suspend)
    stop_app(kube, flux, [gone, there], made)
    assert suspended == [("Kustomization", "pages", "flux-system")]
    assert deleted == ["Deployment", "Pod"]
