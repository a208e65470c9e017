"""Data that is restored before its app's Secrets, as far as that needs no cluster."""

from __future__ import annotations

from contextlib import suppress
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from asked_velero import AskedVelero

from conformance.capabilities.disaster_recovery import data_first as module
from conformance.capabilities.disaster_recovery.data_first import DataFirst
from conformance.capabilities.disaster_recovery.recovery import DATA
from conformance.common.timeouts import Timeouts
from conformance.kube.objects import Ref, Selection

if TYPE_CHECKING:
    from conformance.kube.objects import Object

VOLUMES = [
    {"name": "data", "persistentVolumeClaim": {"claimName": "notes-data"}},
    {"name": "secrets", "secret": {"secretName": "notes-token"}},
    {"name": "config", "configMap": {"name": "notes-config"}},
    {"name": "more", "configMap": {"name": "notes-more", "optional": True}},
    {"name": "there", "configMap": {"name": "there"}},
]
TOKEN = Ref("v1", "Secret", "notes-token", "copy")
CONFIG = Ref("v1", "ConfigMap", "notes-config", "copy")


class Api:
    """A cluster with one restored pod, of which these are the Events."""

    timeouts = Timeouts(pod_ready=0.2)

    def __init__(self, *messages: str) -> None:
        self.messages = messages

    def list(self, _: str, kind: str, *__: object, **___: object) -> list[Object]:
        if kind == "Event":
            return [{"message": one} for one in self.messages]
        return [{"spec": {"volumes": VOLUMES}}]

    def find(self, *which: str) -> Object | None:
        return {} if which[2] == "there" else None

    def get(self, *which: str) -> Object:
        metadata = {"name": which[2], "namespace": which[3], "uid": "1", "labels": {"a": "b"}}
        return {"apiVersion": "v1", "kind": which[1], "metadata": metadata, "data": {"k": "v"}}


def prepared(api: Api) -> DataFirst:
    pods = Selection("v1", "Pod")
    app: Any = SimpleNamespace(
        kube=api, velero=AskedVelero(), namespace="app", pods_in=lambda _: pods
    )
    return DataFirst(app, "copy")


def test_what_a_pod_cannot_be_without_is_found() -> None:
    assert prepared(Api()).lacking() == [TOKEN, CONFIG]


def test_each_object_that_is_lacking_has_to_be_named() -> None:
    both = ('secret "notes-token" not found', 'configmap "notes-config" not found')
    assert prepared(Api(*both)).told([TOKEN, CONFIG]) == "\n".join(reversed(both))
    with pytest.raises(AssertionError, match=r'no Event names .*configmap "notes-config"'):
        prepared(Api(both[0])).told([TOKEN, CONFIG])


def test_the_pod_gets_what_it_lacks_and_the_restore_is_over_whatever_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    applied: list[tuple[Any, ...]] = []
    monkeypatch.setattr(module, "wait_each", lambda *_, **__: None)
    monkeypatch.setattr(
        module, "apply", lambda _, *items, namespace: applied.append((namespace, *items))
    )
    data_first = prepared(Api())
    asked = data_first.app.velero.asked  # type: ignore[attr-defined]
    with suppress(RuntimeError), data_first.begun("backup"):
        [(_, name, backup, more)] = asked
        assert (name, backup) == ("copy", "backup")
        assert more == {"mapping": {"app": "copy"}, "included": DATA}
        assert applied == []
        raise RuntimeError("found")
    [(namespace, *items)] = applied
    assert namespace == "copy"
    assert [(one["kind"], one["metadata"]) for one in items] == [
        ("Secret", {"name": "notes-token", "labels": {"a": "b"}}),
        ("ConfigMap", {"name": "notes-config", "labels": {"a": "b"}}),
    ]
    assert items[0]["data"] == {"k": "v"}
    assert asked[-1] == ("finished", "copy")
