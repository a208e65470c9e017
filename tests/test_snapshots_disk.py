"""What a fork gets of a snapshot's disk: copies, hard links and links to what it is shown."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from conformance.clusters.snapshots import disk
from conformance.common import disk_space
from conformance.common.errors import HarnessError

CONTENT = "var/lib/containerd/io.containerd.content.v1.content/blobs/sha256"
REGISTRY = "var/lib/registry/docker/registry/v2/blobs/sha256"
LAYERS = "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots"


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    node = tmp_path / "node"
    for path in (
        "var/lib/etcd/db",
        "var/log/node/etcd.log",
        "tmp/socket",
        f"{CONTENT}/abcd",
        f"{CONTENT}/ef01",
        f"{REGISTRY}/ab/abcd/data",
        f"{LAYERS}/1/fs/bin/sh",
    ):
        (node / path).parent.mkdir(parents=True, exist_ok=True)
        (node / path).write_text(path.rpartition("/")[2])
    (node / REGISTRY / "ab/abcd/data").write_text("abcd")
    made = tmp_path / "snapshot"
    made.mkdir()
    disk.take(node, made)
    assert not node.exists()
    return made


def test_forks_share_what_never_changes_and_nothing_else(snapshot: Path, tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    disk.fork(snapshot, one)
    disk.fork(snapshot, other)
    assert (one / CONTENT / "ef01").samefile(other / CONTENT / "ef01")
    assert not (one / "var/lib/etcd/db").samefile(other / "var/lib/etcd/db")
    assert (one / "var/lib/etcd/db").read_text() == "db"
    assert (one / LAYERS / "1").readlink() == Path("/opt/layers/1")
    assert (snapshot / "layers/1/fs/bin/sh").read_text() == "sh"


def test_what_the_node_pulled_from_its_registry_is_there_once(
    snapshot: Path, tmp_path: Path
) -> None:
    fork = tmp_path / "fork"
    disk.fork(snapshot, fork)
    assert (fork / CONTENT / "abcd").samefile(fork / REGISTRY / "ab/abcd/data")
    assert (fork / CONTENT / "ef01").read_text() == "ef01"


def test_what_one_fork_removes_the_next_still_has(snapshot: Path, tmp_path: Path) -> None:
    disk.fork(snapshot, tmp_path / "one")
    (tmp_path / "one" / CONTENT / "abcd").unlink()
    (tmp_path / "one" / LAYERS / "1").unlink()
    disk.fork(snapshot, tmp_path / "two")
    assert (tmp_path / "two" / CONTENT / "abcd").read_text() == "abcd"
    assert (tmp_path / "two" / LAYERS / "1").is_symlink()


def test_logs_and_temporary_files_are_not_kept(snapshot: Path, tmp_path: Path) -> None:
    disk.fork(snapshot, tmp_path / "fork")
    assert not (tmp_path / "fork/var/log/node").exists()
    assert list((tmp_path / "fork/tmp").iterdir()) == []
    assert (tmp_path / "fork/tmp").stat().st_mode & 0o7777 == 0o1777


@pytest.mark.parametrize(
    ("same", "free", "short"),
    [(True, 3.3, False), (True, 3.2, True), (False, 3.3, True), (False, 3.8, False)],
)
def test_a_fork_asks_for_room_for_what_it_copies(
    snapshot: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    same: bool,
    free: float,
    short: bool,
) -> None:
    """Blobs are copied to another file system only, layers never. A node needs 3 GiB itself."""
    taken = {"disk": 50_000_000, "blobs": 500_000_000}
    monkeypatch.setattr(disk, "disk_usage", lambda folder: taken[folder.name])
    monkeypatch.setattr(disk_space, "same_disk", lambda *_: same)
    usage = shutil.disk_usage("/")._replace(free=int(free * 1e9))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    fork = tmp_path / "state/one/disk"
    if not short:
        disk.require_room(snapshot, fork)
        return
    told = (
        rf"\(up to 0.{1 if same else 6} GB\) .* \(3.2 GB\): .* in .*/state/one, and {free} GB are"
    )
    with pytest.raises(HarnessError, match=told):
        disk.require_room(snapshot, fork)
    assert not fork.exists()
