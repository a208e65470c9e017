"""What is left of backups, and what Velero makes of that, as far as that needs no cluster."""

from __future__ import annotations

import base64
import contextlib
from types import SimpleNamespace
from typing import Any

import pytest

from conformance.capabilities.disaster_recovery import remains as module
from conformance.capabilities.disaster_recovery.remains import (
    NOTHING,
    WHOLE,
    WITHOUT_DATA,
    Remains,
)
from conformance.capabilities.disaster_recovery.repository_password import (
    other_repository_password,
)
from conformance.common.timeouts import Timeouts
from conformance.kube.objects import Selection
from conformance.services.object_store import ObjectStore
from conformance.services.velero import COMPLETED

PACK, NEXT_PACK, LAST_PACK = "kopia/app/p1", "kopia/app/p2", "kopia/app/p3"


class Bucket(ObjectStore):
    """Objects in memory, of all locations."""

    everything: dict[str, int]

    @property
    def _mine(self) -> dict[str, int]:
        start = f"{self.prefix}/"
        return {
            name.removeprefix(start): size
            for name, size in Bucket.everything.items()
            if name.startswith(start)
        }

    def put(self, *names: str) -> None:
        Bucket.everything |= {f"{self.prefix}/{name}": 20 for name in names}

    def objects(self, prefix: str = "") -> dict[str, int]:
        return {name: size for name, size in self._mine.items() if name.startswith(prefix)}

    def wait_for_more(self, prefix: str, size: int, timeout: float) -> int:
        del size, timeout
        return sum(self.objects(prefix).values())

    def copy_to(self, other: ObjectStore, *prefixes: str) -> int:
        assert isinstance(other, Bucket)
        assert prefixes == ("",)
        other.put(*self._mine)
        return 0

    def delete(self, prefix: str) -> None:
        for name in self.objects(prefix):
            del Bucket.everything[f"{self.prefix}/{name}"]


class Velero:
    """Writes a backup's description when it has ended, and a piece of its data when it begins."""

    namespace = "velero"

    def __init__(self, bucket: Bucket, ended_too_soon: bool = False) -> None:
        self.bucket = bucket
        self.done: list[str] = []
        self._ended_too_soon = ended_too_soon
        self._packs = iter((PACK, NEXT_PACK, LAST_PACK))

    def make_location(self, name: str, *, prefix: str) -> None:
        self.done.append(f"location {name} at {prefix}")

    def location_is(self, phase: str, name: str) -> dict[str, Any]:
        return {"status": {"message": f"{name} is {phase}"}}

    def back_up(self, name: str, *, namespaces: list[str], location: str) -> None:
        assert (namespaces, location) == (["app"], "app-before")
        self.bucket.put(next(self._packs))
        if self._ended_too_soon:
            self.completed("Backup", name)

    def completed(self, kind: str, name: str) -> dict[str, Any]:
        self.bucket.put(f"backups/{name}/velero-backup.json", f"backups/{name}/{name}.tar.gz")
        return {"kind": kind, "metadata": {"name": name}, "status": {"phase": COMPLETED}}

    finished = completed

    def volumes(self, _: object) -> list[None]:
        return [None]

    def synced(self, backup: str, *, volumes: int) -> None:
        self.done.append(f"{backup} with {volumes}")

    def restore(self, name: str, backup: str, *, mapping: dict[str, str], excluded: object) -> None:
        assert excluded
        self.done.append(f"{name}: {backup} to {mapping['app']}")

    def explain(self, item: dict[str, Any]) -> str:
        return str(item["metadata"]["name"])


class App:
    """An app whose copies have no pods."""

    namespace = "app"

    def __init__(self, velero: Velero) -> None:
        self.velero = velero
        self.kube = SimpleNamespace(list=lambda *_: [], timeouts=Timeouts())
        self.app = SimpleNamespace(volumes=[SimpleNamespace(mount_path="/data")])
        self.instance = SimpleNamespace(holding=lambda _: self, run=lambda _: b"")
        self.deployment = self

    def run(self, _: object) -> bytes:
        return b""

    def install(self) -> str:
        return "seed"

    def pods_in(self, namespace: str) -> Selection:
        return Selection("v1", "Pod", namespace)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Bucket:
    Bucket.everything = {"platform/backups/others": 1}
    nothing: Any = None
    made = Bucket(nothing, nothing, "bucket", "platform")
    monkeypatch.setattr(module, "forget", lambda *_: None)
    monkeypatch.setattr(module, "listed", lambda *_: ["app-complete", "app-incomplete"])
    monkeypatch.setattr(module, "refused_location", lambda *_, **__: contextlib.nullcontext())
    return made


def begun(bucket: Bucket, **how: Any) -> tuple[Remains, Velero]:
    live = Bucket(bucket.service, bucket.credentials, "bucket", "platform/plugins/app-before")
    velero = Velero(live, **how)
    namespaces = {NOTHING: "none", WITHOUT_DATA: "some", WHOLE: "all"}
    app: Any = App(velero)
    return Remains(app, bucket, namespaces), velero


def left(bucket: Bucket) -> set[str]:
    after = Bucket(bucket.service, bucket.credentials, "bucket", "platform/plugins/app-after")
    return set(after.objects())


def test_what_is_left_is_what_was_there_in_the_midst_of_the_last_backup(bucket: Bucket) -> None:
    remains, _ = begun(bucket)
    remains.of_unfinished.result(20)
    remains.of_complete.result(20)
    remains.without_data.result(20)
    assert {PACK, LAST_PACK} <= left(bucket)
    assert NEXT_PACK not in left(bucket)
    assert not [name for name in left(bucket) if "unfinished" in name]
    assert "backups/app-incomplete/velero-backup.json" in left(bucket)
    remains.without_objects.result(20)
    assert "backups/app-incomplete/app-incomplete.tar.gz" not in left(bucket)
    assert "backups/app-complete/app-complete.tar.gz" in left(bucket)
    remains.end()
    assert Bucket.everything == {"platform/backups/others": 1}


def test_acts_come_in_the_order_of_a_recovery(bucket: Bucket) -> None:
    remains, velero = begun(bucket)
    remains.without_objects.result(20)
    assert velero.done == [
        "location app-before at platform/plugins/app-before",
        "app-complete-refused: app-complete to none",
        "location app-after at platform/plugins/app-after",
        "app-complete with 1",
        "app-incomplete with 1",
        "app-unfinished: app-unfinished to none",
        "app-complete: app-complete to all",
        "app-incomplete: app-incomplete to some",
        "app-incomplete-objects: app-incomplete to none",
    ]
    assert remains.refused.result().message == "app-after is Unavailable"


def test_a_backup_that_ended_too_soon_proves_nothing(bucket: Bucket) -> None:
    remains, _ = begun(bucket, ended_too_soon=True)
    with pytest.raises(AssertionError, match="was over before it could be interrupted"):
        remains.refused.result(20)


def test_the_old_password_comes_back_whatever_happens() -> None:
    old = base64.b64encode(b"old").decode()
    kept = {"repository-password": old}
    notes: list[dict[str, Any]] = []

    def patch(*where: object) -> None:
        assert where[:4] == ("v1", "Secret", "velero-repo-credentials", "velero")
        kept.update(where[4]["data"])  # type: ignore[index]

    def create(note: dict[str, Any]) -> dict[str, Any]:
        texts = note["stringData"].items()
        data = {key: base64.b64encode(text.encode()).decode() for key, text in texts}
        notes.append({"metadata": {"name": "note", "namespace": "velero"}, "data": data})
        return notes[-1]

    kube: Any = SimpleNamespace(
        get=lambda *_: {"data": dict(kept)},
        patch=patch,
        create=create,
        delete=lambda *_: notes.clear(),
    )
    clients: Any = SimpleNamespace(kube=kube, run_id="r1")
    seen: dict[str, str] = {}

    def fails() -> None:
        with other_repository_password(clients, "velero"):
            seen.update(kept)
            assert notes, "a run that is killed now leaves the platform with another password"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert base64.b64decode(seen["repository-password"]) == b"another old"
    assert kept == {"repository-password": old}
    assert not notes
