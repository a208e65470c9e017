"""A package on a cluster without the cluster: an API, a branch and a delivery in memory."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from conformance.apps.package import leftovers, waits
from conformance.apps.package.delivery import Delivery
from conformance.apps.package.given import read_apps
from conformance.apps.package.placement import place
from conformance.apps.package.time_limit import TimeLimit
from conformance.common.settings import data_root
from conformance.common.timeouts import Timeouts
from conformance.kube.discovery import Resource
from conformance.kube.objects import Object
from conformance.kube.wait import Wait
from conformance.platform.reference.content import ROOT_KUSTOMIZATION
from conformance.services.flux import Flux

ROOT = "resources:\n- infrastructure\n"
NAMESPACES = ("flux-system", "stackspin-apps")
VERBS = frozenset({"list", "watch"})
FOR_THE_CLUSTER = ("ClusterRole", "Namespace")


def an_object(
    kind: str,
    name: str,
    namespace: str | None = "stackspin-apps",
    *,
    labels: Mapping[str, str] | None = None,
    owner: str = "",
    **fields: Any,
) -> Object:
    """Return an object of any kind."""
    metadata: dict[str, Any] = {"name": name, "uid": f"uid of {kind} {name}"}
    if namespace:
        metadata["namespace"] = namespace
    if labels:
        metadata["labels"] = dict(labels)
    if owner:
        metadata["ownerReferences"] = [{"kind": "ReplicaSet", "name": owner, "uid": owner}]
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **fields}


class FakeKube:
    """An API with objects in memory; every kind is of ``v1``."""

    timeouts = Timeouts()

    def __init__(self, *objects: Object) -> None:
        self.objects = list(objects)
        self.objects += [an_object("Namespace", name, None) for name in NAMESPACES]
        self.discovery = SimpleNamespace(
            group_versions=lambda: ["v1"],
            find=lambda version, kind: Resource(
                version, kind, kind.lower(), kind not in FOR_THE_CLUSTER, VERBS
            ),
            served=lambda _: [
                Resource("v1", "ComponentStatus", "componentstatuses", False, VERBS - {"watch"}),
                *(
                    Resource("v1", kind, kind.lower(), True, VERBS)
                    for kind in sorted({one["kind"] for one in self.objects})
                ),
            ],
        )

    def list(
        self,
        api_version: str,
        kind: str,
        namespace: str | None = None,
        labels: str | None = None,
        fields: str | None = None,
    ) -> list[Object]:
        del api_version, fields
        assert kind != "ComponentStatus", "it has no version to list it at"
        return [
            one
            for one in self.objects
            if one["kind"] == kind
            and namespace in (None, one["metadata"].get("namespace"))
            and (labels is None or self._selected(one, labels))
        ]

    @staticmethod
    def _selected(one: Object, labels: str) -> bool:
        wanted = dict(part.split("=") for part in labels.split(",") if "=" in part)
        has = one["metadata"].get("labels") or {}
        return all(has.get(key) == value for key, value in wanted.items())

    def find(
        self, api_version: str, kind: str, name: str, namespace: str | None = None
    ) -> Object | None:
        found = self.list(api_version, kind, namespace)
        return next((one for one in found if one["metadata"]["name"] == name), None)

    def get(self, *ref: str | None) -> Object:
        found = self.find(*ref)  # type: ignore[arg-type]
        assert found is not None
        return found

    def create(self, item: Object, namespace: str | None = None) -> None:
        self.objects.append(an_object(item["kind"], item["metadata"]["name"], namespace))

    def delete(self, _: str, kind: str, name: str, namespace: str | None = None) -> None:
        self.objects.remove(self.get("v1", kind, name, namespace))


class FakeBranch:
    """A tracked branch; ``flux`` does what Flux would after each commit."""

    def __init__(self, kube: FakeKube, files: Mapping[str, str] | None = None) -> None:
        self.kube = kube
        self.content: dict[str, Any] = {ROOT_KUSTOMIZATION: ROOT, **(files or {})}
        self.git = SimpleNamespace(
            lock=threading.RLock(),
            files=lambda: list(self.content),
            read=lambda path: self.content[path],
            moved=lambda changes: changes,
        )
        self.namespace = "stackspin-apps"
        self.flux_does = [lambda: None]
        self.flux = Flux(kube, "flux-system", "stackspin", "stackspin")  # type: ignore[arg-type]

    def push(self, changes: Mapping[str, Any], message: str) -> str:
        del message
        for path, content in changes.items():
            if content is None:
                del self.content[path]
            else:
                self.content[path] = content
        self.flux_does.pop(0)()
        return "abc"


def a_cluster() -> FakeKube:
    """Return a cluster on which another app is."""
    return FakeKube(
        an_object("ConfigMap", "theirs"), an_object("PersistentVolumeClaim", "their-data")
    )


def without_waiting(monkeypatch: pytest.MonkeyPatch) -> list[Wait]:
    """Have what is awaited be there at once; return what was awaited."""
    awaited: list[Wait] = []
    for module in (waits, leftovers):
        monkeypatch.setattr(module, "wait_all", lambda _kube, these, **_more: awaited.extend(these))
    return awaited


def a_delivery(
    kube: FakeKube,
    files: Mapping[str, str] | None = None,
    *,
    limit: TimeLimit | None = None,
    by_hand: Sequence[Object] = (),
) -> tuple[Delivery, FakeBranch]:
    """Return a delivery of a static site, and the branch that it is brought to."""
    [app] = read_apps(data_root() / "fixtures" / "packages" / "static-site")
    branch = FakeBranch(kube, files)
    limit = limit or TimeLimit(1)
    delivery = Delivery(branch, place(app), "pages", limit, by_hand)  # type: ignore[arg-type]
    return delivery, branch


def installed(kube: FakeKube, *made: Object) -> tuple[Delivery, FakeBranch]:
    """Return a delivery whose package is there, with these objects, and its branch."""
    delivery, branch = a_delivery(kube)
    branch.flux_does = [lambda: kube.objects.extend(made), lambda: None]
    delivery.begin()
    return delivery, branch
