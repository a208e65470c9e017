"""A second instance of an app: what it is given, and what it is not."""

from __future__ import annotations

import base64
import gzip
import json
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from delivered_packages import FakeKube, an_object

from conformance.apps.package import second
from conformance.apps.package.running import NoHost, gone_or_changed
from conformance.apps.package.second import second_instance
from conformance.kube.objects import Object, Ref

OURS = {"kustomize.toolkit.fluxcd.io/name": "notes"}
RELEASE = Ref("helm.toolkit.fluxcd.io/v2", "HelmRelease", "notes", "stackspin-apps")


def helm_storage(values: dict[str, Any]) -> Object:
    packed = gzip.compress(json.dumps({"config": values}).encode())
    data = base64.b64encode(base64.b64encode(packed)).decode()
    labels = {"owner": "helm", "name": "notes", "status": "deployed"}
    kind = {"type": "helm.sh/release.v1", "data": {"release": data}}
    return an_object("Secret", "sh.helm.release.v1.notes.v1", labels=labels, **kind)


class App:
    host = "notes.test"

    def __init__(self, *more: Object) -> None:
        spec = {"chart": {"spec": {"chart": "./charts/notes"}}, "timeout": "1m"}
        values = {"hostname": "notes.test", "oidc": {"redirect": "https://notes.test/callback"}}
        release = an_object("HelmRelease", "notes", spec=spec)
        self.kube = FakeKube(release, helm_storage(values), *more)
        self.delivery = SimpleNamespace(limit=SimpleNamespace(at_most=lambda seconds: seconds))
        self.live = SimpleNamespace(
            is_of_another=lambda item: item["metadata"].get("labels", {}).get("of") == "another"
        )


@pytest.fixture
def applied(monkeypatch: pytest.MonkeyPatch) -> list[Object]:
    """What is applied; it is there at once, and gone at once."""
    found: list[Object] = []

    def apply(kube: FakeKube, *items: Object, namespace: str) -> None:
        found.extend(items)
        for item in items:
            kube.objects.append(an_object(item["kind"], item["metadata"]["name"], namespace))

    monkeypatch.setattr(second, "apply", apply)
    monkeypatch.setattr(second, "wait", lambda *_, **__: {})
    return found


def test_it_has_the_values_of_the_first_with_a_host_of_its_own(applied: list[Object]) -> None:
    app = App()
    with second_instance(app, RELEASE, "second-1") as host:  # type: ignore[arg-type]
        assert host == "second-notes.test"
    values, release = applied
    assert yaml.safe_load(values["stringData"]["values.yaml"]) == {
        "hostname": "second-notes.test",
        "oidc": {"redirect": "https://second-notes.test/callback"},
    }
    assert release["spec"]["chart"] == {"spec": {"chart": "./charts/notes"}}
    assert release["spec"]["valuesFrom"] == [{"kind": "Secret", "name": "second-instance-values"}]
    there = [(one["kind"], one["metadata"].get("namespace")) for one in app.kube.objects]
    assert ("HelmRelease", "second-1") not in there
    assert ("HelmRelease", "stackspin-apps") in there


def test_it_has_copies_of_what_its_values_may_name_and_nothing_of_others(
    applied: list[Object],
) -> None:
    spec = {"accessModes": ["ReadWriteOnce"], "volumeName": "pvc-1", "resources": {}}
    app = App(
        an_object("PersistentVolumeClaim", "notes-data", labels=OURS, spec=spec),
        an_object("Secret", "made-by-hand", data={"a": "b"}, type="Opaque"),
        an_object("ConfigMap", "of-the-release", labels={"helm.toolkit.fluxcd.io/name": "notes"}),
        an_object("ConfigMap", "theirs", labels={"of": "another"}),
        an_object("ConfigMap", "kube-root-ca.crt"),
    )
    with second_instance(app, RELEASE, "second-1"):  # type: ignore[arg-type]
        pass
    copies = {one["metadata"]["name"]: one for one in applied[:-2]}
    assert set(copies) == {"notes-data", "made-by-hand"}
    assert copies["notes-data"]["spec"] == {"accessModes": ["ReadWriteOnce"], "resources": {}}
    assert copies["made-by-hand"]["data"] == {"a": "b"}


def test_an_app_without_a_host_has_a_second_one_without(applied: list[Object]) -> None:
    class Hidden(App):
        @property
        def host(self) -> str:  # type: ignore[override]
            raise NoHost

    with second_instance(Hidden(), RELEASE, "second-1") as host:  # type: ignore[arg-type]
        assert host == ""
    assert "notes.test" in applied[0]["stringData"]["values.yaml"]


def test_new_objects_are_no_change_of_the_first_instance() -> None:
    before, after = {"a": 1, "b": 1, "c": 1}, {"a": 1, "b": 2, "d": 1}
    assert gone_or_changed(before, after) == ["b", "c (gone)"]
