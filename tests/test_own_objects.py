"""Which objects of an app are about to go: by what Kubernetes' garbage collector does."""

from __future__ import annotations

from typing import Any, cast

import pytest

from conformance.apps.package import own_objects
from conformance.apps.package.live import LiveApp
from conformance.apps.package.own_objects import OwnObjects
from conformance.kube.client import Kube
from conformance.kube.objects import Object


class Nobodys:
    """No object is of another app."""

    def is_of_another(self, item: Object) -> bool:  # noqa: ARG002
        return False


def an_object(kind: str, name: str, owner: str = "", **metadata: object) -> Object:
    owners = [{"uid": owner}] if owner else []
    return {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {
            "uid": name, "name": name, "namespace": "apps", "ownerReferences": owners, **metadata,
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("there", "going"),
    [
        ([an_object("Pod", "pod", "gone")], ["pod"]),
        # Helm leaves the Job of a hook.
        ([an_object("Job", "job"), an_object("Pod", "pod", "job")], []),
        (
            [
                an_object("Job", "job", deletionTimestamp="2026-11-29T17:00:00Z"),
                an_object("Pod", "pod", "job"),
            ],
            ["job", "pod"],
        ),
        (
            [an_object("ReplicaSet", "replicas", "gone"), an_object("Pod", "pod", "replicas")],
            ["pod", "replicas"],
        ),
        ([an_object("ConfigMap", "made-by-hand")], []),
    ],
    ids=["owner gone", "owner stays", "owner is deleted", "owner of the owner gone", "no owner"],
)
def test_what_is_going(
    monkeypatch: pytest.MonkeyPatch, there: list[Object], going: list[str]
) -> None:
    now: list[Object] = []
    monkeypatch.setattr(own_objects, "everything", lambda *_, **__: now)
    live: Any = Nobodys()
    own = OwnObjects(cast(Kube, None), lambda: ["apps"], lambda: cast(LiveApp, live))
    own.begin()
    now += there
    assert sorted(item["metadata"]["name"] for item in own.going()) == going
