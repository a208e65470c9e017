"""What no run needs goes, and nothing else does, whatever others do meanwhile."""

from __future__ import annotations

import errno
import io
import os
import time
from pathlib import Path

import pytest

from conformance.common.errors import HarnessError
from conformance.common.locks import shared
from conformance.common.settings import Settings
from conformance.components import builder, golang, prune
from conformance.components.builder import Components
from conformance.components.catalogue import CATALOGUE
from conformance.components.kind_parts import KIND_PARTS
from conformance.components.parts import Part
from conformance.components.progress import Progress
from conformance.components.prune import Pruned, prune_go, prune_parts, share_copies
from conformance.components.store import Store
from conformance.components.work import Work

KEY = "0123456789abcdef0123"
OTHER_KEY = "fedcba98765432100123"
LARGE = "x" * prune._LARGE


def put(store: Store, name: str, text: str, key: str = KEY) -> Path:
    with (
        store.lock(name, key, lambda _: None),
        store.put(name, key, dict) as (files, _),
    ):
        (files / "file").write_text(text)
    return store.entry(name, key)


def unused_for(entry: Path, days: float) -> None:
    then = time.time() - days * 86400
    os.utime(entry, (then, then))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


@pytest.fixture
def go_caches(tmp_path: Path) -> Path:
    folder = tmp_path / "go"
    (folder / "mod" / "k8s.io").mkdir(parents=True)
    (folder / "build").mkdir()
    (folder / "build" / "0a").write_text("x" * 10_000)
    return folder


def test_gos_caches_go_and_leave_nothing(store: Store, go_caches: Path, tmp_path: Path) -> None:
    (one,) = prune_go(tmp_path, store)
    assert one.size >= 10_000
    assert not go_caches.exists()
    assert list((tmp_path / "store").iterdir()) == []
    assert list(prune_go(tmp_path, store)) == []


def test_gos_caches_stay_while_somebody_builds(
    store: Store, go_caches: Path, tmp_path: Path
) -> None:
    with golang.using_caches(tmp_path), golang.using_caches(tmp_path):
        assert list(prune_go(tmp_path, store)) == []
    assert (go_caches / "build" / "0a").exists()


def test_caches_that_cannot_be_moved_are_an_error(
    store: Store, go_caches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rename(_from: Path, _to: Path) -> None:
        raise OSError(errno.EBUSY, "Device or resource busy")

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(HarnessError, match=r"/go cannot be removed: Device or resource busy"):
        list(prune_go(tmp_path, store))
    assert go_caches.is_dir()


def test_what_a_killed_prune_left_is_swept(store: Store, go_caches: Path, tmp_path: Path) -> None:
    left = tmp_path / "store" / ".tmp-pruned-killed"
    left.mkdir(parents=True)
    go_caches.rename(left / "go")
    assert store.sweep() == [left.name]
    assert not left.exists()


def test_a_part_of_another_version_goes_when_it_was_not_used_for_30_days(store: Store) -> None:
    unused, used, kept = (put(store, name, name) for name in ("unused", "used", "kept"))
    kept = put(store, "kept", "x", OTHER_KEY)
    for entry in (unused, used, kept):
        unused_for(entry, 31)
    unused_for(store.entry("kept", KEY), 29)
    Store(unused.parent.parent).files("used", KEY)
    (one,) = prune_parts(store, [OTHER_KEY])
    assert one.what == "unused, which no run used for 30 days"
    assert not unused.exists()
    assert used.exists()
    assert kept.exists()
    assert store.entry("kept", KEY).exists()


def test_an_entry_that_cannot_be_read_is_passed_over(store: Store) -> None:
    entry = put(store, "broken", "x")
    (entry / "manifest.json").write_text("{")
    unused_for(entry, 31)
    assert list(prune_parts(store, [])) == []
    assert entry.exists()


def test_the_same_file_of_two_parts_is_there_once_and_both_are_intact(
    store: Store, tmp_path: Path
) -> None:
    first, second = put(store, "a", LARGE), put(store, "b", LARGE)
    other = put(store, "c", LARGE.upper())
    assert list(share_copies(store)) == [Pruned("second copies of files", len(LARGE))]
    assert (first / "files" / "file").samefile(second / "files" / "file")
    for name in ("a", "b", "c"):
        assert Store(tmp_path).files(name, KEY)
    assert (other / "files" / "file").stat().st_nlink == 1
    assert list(share_copies(store)) == []


def test_a_damaged_file_is_not_put_in_the_place_of_a_whole_one(store: Store) -> None:
    first, second = put(store, "a", LARGE), put(store, "b", LARGE)
    (first / "files" / "file").write_text(LARGE.upper())
    assert list(share_copies(store)) == []
    assert (second / "files" / "file").read_text() == LARGE


def test_what_has_links_counts_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x" * 4096)
    alone = prune.disk_usage(tmp_path)
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    assert prune.disk_usage(tmp_path) == alone > 0


class Bench:
    """Components that are made by writing their name, with Go's caches."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.output = io.StringIO()

    def components(self) -> Components:
        def make(wanted: Part, work: Work) -> None:
            (self.folder / "go" / "build").mkdir(parents=True, exist_ok=True)
            (work.target / wanted.name).write_text("x")

        settings = Settings(cache_dir=self.folder, parts="build")
        return Components(settings, Progress(self.output), maker=make)

    def build(self, *names: str) -> bool:
        """Build these in a run of their own; return whether Go's caches are there after it."""
        components = self.components()
        components.require(*names)
        components.close()
        return (self.folder / "go").exists()


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(builder, "prepare", lambda *_args: None)
    return Bench(tmp_path)


OF_KIND = {one.name for one in KIND_PARTS}


def test_a_run_prunes_once_all_but_what_only_kind_needs_is_built(bench: Bench) -> None:
    names = [name for name in CATALOGUE if name not in OF_KIND]
    assert bench.build(*names[:-2])
    assert not bench.build(*names)
    assert "all is built; what only builds need is removed" in bench.output.getvalue()


def test_what_is_built_in_the_background_is_followed_by_pruning_there(bench: Bench) -> None:
    names = [name for name in CATALOGUE if name not in OF_KIND]
    components = bench.components()
    components.prefetch(*names)
    background = components._background  # nobody else waits for it alone
    assert background is not None
    background.join(60)
    assert not (bench.folder / "go").exists()
    components.close()
    assert bench.output.getvalue().count("what only builds need is removed") == 1


def test_a_run_that_builds_nothing_prunes_nothing(bench: Bench) -> None:
    """It is not for a run that only begins to be slowed down by what one before it left."""
    names = [name for name in CATALOGUE if name not in OF_KIND]
    bench.build(*names)
    (bench.folder / "go").mkdir()
    assert bench.build(*names)


def test_a_run_that_is_followed_by_another_build_keeps_its_caches(bench: Bench) -> None:
    names = [name for name in CATALOGUE if name not in OF_KIND]
    with shared(bench.folder / golang.LOCK):
        assert bench.build(*names)
