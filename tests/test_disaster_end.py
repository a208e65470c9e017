"""The end of a disaster: what still goes on is waited for, and no act begins any more."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError, Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conformance.capabilities.disaster_recovery import disaster
from conformance.capabilities.disaster_recovery.disaster import LOST, RECOVERED, Disaster
from conformance.common.errors import HarnessError


class Clusters:
    """Clusters that start at once; ``gone`` is set when they are taken away."""

    def __init__(self) -> None:
        self.ended: list[str] = []
        self.gone = threading.Event()

    def begin(self, *_: object) -> Future[Any]:
        site: Future[Any] = Future()
        site.set_result(SimpleNamespace(stack=SimpleNamespace(clients=None)))
        return site

    def end(self, purpose: str) -> None:
        self.ended.append(purpose)
        self.gone.set()


class Bucket:
    """An object store that is being copied until ``fails`` is set."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.fails = threading.Event()

    def save_to(self, folder: Path) -> None:
        self.begun.set()
        self.fails.wait(60)
        (folder / "object").write_text("half")
        raise ConnectionError("the cluster is gone")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Bucket:
    made = Bucket()
    monkeypatch.setattr(disaster, "object_store_of", lambda _: made)
    return made


def begin(folder: Path, clusters: Clusters, monkeypatch: pytest.MonkeyPatch, live: Any) -> Disaster:
    monkeypatch.setattr(Disaster, "_live", live)
    image: Future[Any] = Future()
    return Disaster(clusters, None, image, folder, folder)  # type: ignore[arg-type]


def test_the_end_waits_until_nothing_is_written_into_the_buckets_folder(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clusters = Clusters()
    bucket.fails = clusters.gone  # with its cluster
    made = begin(tmp_path, clusters, monkeypatch, lambda _: None)
    assert bucket.begun.wait(60)
    made.end()
    assert (tmp_path / "object").exists()
    assert clusters.ended == [LOST, RECOVERED]
    with pytest.raises(ConnectionError):
        made.recovery.result(0)


def test_the_wait_has_an_end_which_says_where_files_may_be_left(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disaster, "END_SECONDS", 0.1)
    made = begin(tmp_path, Clusters(), monkeypatch, lambda _: None)
    assert bucket.begun.wait(60)
    with pytest.raises(HarnessError, match=f"0.1 s after .* may leave files in {tmp_path}"):
        made.end()
    bucket.fails.set()
    with pytest.raises(ConnectionError):
        made.recovery.result(60)


def test_a_platform_that_is_not_there_yet_is_not_waited_for(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = threading.Event()  # an image, for up to ten minutes
    made = begin(tmp_path, Clusters(), monkeypatch, lambda _: built.wait(60))
    made.end()
    assert not made.life.done()
    built.set()
    with pytest.raises(CancelledError):
        made.recovery.result(60)
    assert not bucket.begun.is_set()
