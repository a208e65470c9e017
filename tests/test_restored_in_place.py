"""What Velero keeps of a backup and of a restore in the bucket, and what is made of that."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from types import SimpleNamespace
from typing import Any

import pytest

from conformance.apps.base import Seed
from conformance.apps.tree import DataDiffers
from conformance.capabilities.backup_restore.in_place import InPlace
from conformance.capabilities.backup_restore.stored import (
    actions_of,
    backed_up_objects,
    differing,
    errors_of,
)
from conformance.kube.objects import Object, Ref

SETTINGS = Ref("v1", "ConfigMap", "settings", "apps")
NETWORK = "networking.k8s.io/v1"


def an_object(kind: str = "ConfigMap", name: str = "settings", **more: Any) -> Object:
    metadata = {"name": name, "namespace": "apps", "uid": "1", **more.pop("metadata", {})}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **more}


class Bucket:
    """What is in it, by name."""

    def __init__(self, **content: bytes) -> None:
        self.content = content

    def read(self, name: str) -> bytes:
        return self.content[name]


def archive(files: dict[str, Object]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        for path, item in files.items():
            content = json.dumps(item).encode()
            member = tarfile.TarInfo(path)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return made.getvalue()


def resource_list(listed: dict[str, list[str]]) -> Any:
    name = "restores/r/restore-r-resource-list.json.gz"
    return Bucket(**{name: gzip.compress(json.dumps(listed).encode())})


def test_a_restore_names_what_it_left() -> None:
    listed = {
        "v1/ConfigMap": ["apps/settings(failed)", "apps/other(skipped)"],
        "networking.k8s.io/v1/Ingress": ["apps/notes(created)"],
        "v1/PersistentVolume": ["pvc-1(skipped)"],
    }
    actions = actions_of(resource_list(listed), "r")
    assert actions.of == {
        SETTINGS: "failed",
        SETTINGS._replace(name="other"): "skipped",
        Ref(NETWORK, "Ingress", "notes", "apps"): "created",
        Ref("v1", "PersistentVolume", "pvc-1", None): "skipped",
    }
    assert actions.left == {SETTINGS}


def test_a_list_of_another_form_is_refused() -> None:
    with pytest.raises(AssertionError, match="of another form"):
        actions_of(resource_list({"v1/ConfigMap": ["apps/settings"]}), "r")


def test_errors_of_a_restore_are_those_of_every_place() -> None:
    errors = {"velero": ["no agent"], "namespaces": {"a": ["exceeded quota"], "b": ["gone"]}}
    results = {"errors": errors, "warnings": {"cluster": ["there already"]}}
    content = gzip.compress(json.dumps(results).encode())
    store: Any = Bucket(**{"restores/r/restore-r-results.gz": content})
    assert errors_of(store, "r") == ["no agent", "exceeded quota", "gone"]


def test_a_backup_has_each_object_once_and_none_that_others_make() -> None:
    folder = "resources/configmaps"
    content = archive(
        {
            "metadata/version": {},
            f"{folder}/namespaces/apps/settings.json": an_object(),
            f"{folder}/v1-preferredversion/namespaces/apps/settings.json": an_object(),
            "resources/persistentvolumes/cluster/pvc-1.json": an_object("PersistentVolume"),
            "resources/endpoints/namespaces/apps/notes.json": an_object("Endpoints", "notes"),
            "resources/pods/namespaces/apps/notes-1.json": an_object(
                "Pod", "notes-1", metadata={"ownerReferences": [{"kind": "ReplicaSet"}]}
            ),
        }
    )
    store: Any = Bucket(**{"backups/b/b.tar.gz": content})
    assert backed_up_objects(store, "b") == [an_object()]


@pytest.mark.parametrize(
    ("now", "differs"),
    [
        (an_object(data={"a": "1"}, status={"phase": "new"}, metadata={"uid": "2"}), False),
        (an_object(data={"a": "1"}, metadata={"labels": {"velero.io/restore-name": "r"}}), False),
        (an_object(data={"a": "2"}), True),
        (an_object(data={"a": "1"}, metadata={"labels": {"app": "notes"}}), True),
        (an_object(data={"a": "1"}, metadata={"annotations": {"a": "b"}}), True),
        (None, True),
    ],
)
def test_an_object_differs_by_what_somebody_wrote(now: Object | None, differs: bool) -> None:
    kube: Any = SimpleNamespace(find=lambda *_: now)
    found = differing(kube, [an_object(data={"a": "1"}, status={"phase": "old"})])
    assert found == ({SETTINGS} if differs else set())


def test_damaged_data_is_seen_after_a_restore() -> None:
    def verify(*_: object) -> None:
        raise DataDiffers("data of notes", ["large.bin: sha256 a -> b"])

    app = SimpleNamespace(verify=verify, volumes=())
    deployment = SimpleNamespace(app=app, instance=None)
    backed_up: Any = SimpleNamespace(deployment=deployment, namespace="n")
    in_place = object.__new__(InPlace)
    in_place.app = backed_up
    in_place.seed = SimpleNamespace(result=lambda: Seed(1, {}, {}))  # type: ignore[assignment]
    assert in_place._data_differs() == ("large.bin: sha256 a -> b",)
