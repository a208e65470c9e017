"""Objects of a location are named as Velero names them, wherever in the bucket the location is."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from minio.error import S3Error

from conformance.services.object_store import ObjectStore

_ANSWER: Any = None
BACKUP = "backups/one/velero-backup.json"


class FakeMinio:
    """Buckets of names and contents."""

    def __init__(self, **buckets: dict[str, bytes]) -> None:
        self.buckets = buckets
        self.gone: dict[str, str] = {}
        """What is listed and cannot be read -> S3's code."""

    def list_objects(self, bucket: str, prefix: str, recursive: bool) -> Iterator[Any]:
        assert recursive
        for name, content in sorted(self.buckets[bucket].items()):
            if name.startswith(prefix):
                yield SimpleNamespace(object_name=name, size=len(content))

    def get_object(self, bucket_name: str, object_name: str) -> Any:
        if object_name in self.gone:
            raise S3Error(_ANSWER, self.gone[object_name], "no", object_name, "1", "1")
        content = io.BytesIO(self.buckets[bucket_name][object_name])
        close = lambda: None  # noqa: E731
        return SimpleNamespace(read=content.read, close=close, release_conn=close)

    def put_object(self, bucket_name: str, object_name: str, data: io.BytesIO, length: int) -> None:
        content = data.read()
        assert len(content) == length
        self.buckets[bucket_name][object_name] = content

    def remove_objects(self, bucket: str, doomed: list[Any]) -> list[Any]:
        for one in doomed:
            del self.buckets[bucket][one.name]
        return []


@pytest.fixture
def minio(monkeypatch: pytest.MonkeyPatch) -> FakeMinio:
    made = FakeMinio(
        customers={f"annex/{BACKUP}": b"one", BACKUP: b"of another one", "annexe/x": b"not ours"},
        velero={},
    )

    @contextlib.contextmanager
    def client(self: ObjectStore) -> Iterator[FakeMinio]:
        del self
        yield made

    monkeypatch.setattr(ObjectStore, "_client", client)
    return made


def store(bucket: str, prefix: str = "") -> ObjectStore:
    unused: Any = None
    return ObjectStore(unused, unused, bucket, prefix)


def test_only_what_is_below_the_prefix_is_seen(minio: FakeMinio) -> None:
    del minio
    assert store("customers", "annex").objects() == {BACKUP: 3}
    assert store("customers", "annex").read(BACKUP) == b"one"
    assert store("customers").objects("backups/") == {BACKUP: 14}


def test_only_what_is_below_the_prefix_is_changed(minio: FakeMinio) -> None:
    annex = store("customers", "annex")
    annex.flip(BACKUP, 0)
    assert minio.buckets["customers"][f"annex/{BACKUP}"] == bytes([ord("o") ^ 0xFF]) + b"ne"
    annex.delete("backups/")
    assert set(minio.buckets["customers"]) == {BACKUP, "annexe/x"}


def test_a_backup_is_copied_to_where_another_location_has_it(minio: FakeMinio) -> None:
    assert store("customers", "annex").copy_to(store("velero"), "backups/one/") == 3
    assert minio.buckets["velero"] == {BACKUP: b"one"}
    minio.buckets["velero"][BACKUP] = b"changed"
    store("velero").copy_to(store("customers", "annex"), "backups/")
    assert minio.buckets["customers"][f"annex/{BACKUP}"] == b"changed"


def test_objects_are_awaited_below_the_prefix(minio: FakeMinio) -> None:
    del minio
    annex = store("customers", "annex")
    assert annex.wait_for_more("backups/", 2, timeout=1) == 3
    with pytest.raises(AssertionError, match="still 3 bytes"):
        annex.wait_for_more("backups/", 3, timeout=0)


def test_what_goes_away_while_it_is_copied_is_left_out(minio: FakeMinio) -> None:
    minio.buckets["customers"]["annex/kopia/s1"] = b"a session that ends"
    minio.gone["annex/kopia/s1"] = "NoSuchKey"
    assert store("customers", "annex").copy_to(store("velero", "copy"), "") == 3
    assert minio.buckets["velero"] == {f"copy/{BACKUP}": b"one"}
    minio.gone["annex/kopia/s1"] = "AccessDenied"
    with pytest.raises(S3Error, match="AccessDenied"):
        store("customers", "annex").copy_to(store("velero"), "")
