"""Snapshots in the cache: found, damaged, half-written, locked, pruned."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conformance.clusters.snapshots import store
from conformance.clusters.snapshots.store import Origin, SnapshotStore
from conformance.common.settings import PROJECT_ROOT

KEY = "0123456789abcdef" * 4
MAKER = """
import sys, time
from pathlib import Path
from conformance.clusters.snapshots.store import SnapshotStore
with SnapshotStore(Path(sys.argv[1])).making("apps", sys.argv[2], "node") as folder:
    (folder / "disk").mkdir()
    print(folder, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def snapshots(tmp_path: Path, said: list[str]) -> SnapshotStore:
    return SnapshotStore(tmp_path, said.append)


@pytest.fixture
def made(snapshots: SnapshotStore) -> Path:
    """A snapshot with a file of each part, a link, and a folder that is empty."""
    with snapshots.making("apps", KEY, "one-node") as folder:
        for path in ("disk/etc/etcd.db", "blobs/registry/a", "layers/1/fs/bin/sh"):
            (folder / path).parent.mkdir(parents=True)
            (folder / path).write_text(f"content of {path}")
        (folder / "layers/1/fs/bin/ash").symlink_to("sh")
        (folder / "disk/empty").mkdir()
    return folder


def test_what_was_made_is_found_by_its_key(snapshots: SnapshotStore, made: Path) -> None:
    found = snapshots.find("apps", KEY)
    assert found is not None
    assert (found.path, found.node, found.layers) == (made, "one-node", made / "layers")
    assert str(found).startswith("snapshot apps made at 20")
    found.close()
    assert snapshots.find("apps", "f" * 64) is None
    assert snapshots.find("platform", KEY) is None
    other = KEY[:16] + "f" * 48  # of the same name
    assert snapshots.find("apps", other) is None


def append(path: Path) -> None:
    with path.open("a") as file:
        file.write("!")


def replace(path: Path) -> None:
    """Other bytes, the same size."""
    path.write_bytes(bytes(byte ^ 1 for byte in path.read_bytes()))


def hide(path: Path) -> None:
    """Other bytes with the same size and times: hashes find that where they are always taken."""
    before = path.stat()
    replace(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda at: append(at / "disk/etc/etcd.db"), "disk/etc/etcd.db has changed"),
        (lambda at: replace(at / "disk/etc/etcd.db"), "disk/etc/etcd.db has changed"),
        (lambda at: hide(at / "disk/etc/etcd.db"), "disk/etc/etcd.db has changed"),
        (lambda at: replace(at / "blobs/registry/a"), "blobs/registry/a has changed"),
        (lambda at: replace(at / "layers/1/fs/bin/sh"), "layers/1/fs/bin/sh has changed"),
        (lambda at: (at / "layers/1/fs/bin/sh").chmod(0o755), "bin/sh has changed"),
        (lambda at: (at / "layers/1/fs/bin/sh").unlink(), "bin/sh is missing"),
        (lambda at: (at / "disk/empty").rmdir(), "disk/empty is missing"),
        (lambda at: (at / "disk/new").touch(), "disk/new does not belong there"),
        (lambda at: append(at / "files.json"), "files.json has changed"),
        (lambda at: (at / "files.json").unlink(), "its manifest cannot be read"),
        (lambda at: (at / "manifest.json").write_text("{"), "its manifest cannot be read"),
    ],
)
def test_what_is_damaged_is_found_and_never_used_again(
    snapshots: SnapshotStore,
    made: Path,
    said: list[str],
    damage: Callable[[Path], object],
    told: str,
) -> None:
    damage(made)
    assert snapshots.find("apps", KEY) is None
    assert told in said[0]
    assert snapshots.find("apps", KEY) is None
    assert len(said) == 1
    with snapshots.making("apps", KEY, "node"):
        assert not made.exists()


def test_a_file_that_only_moved_to_another_disk_is_read_and_is_not_damaged(
    snapshots: SnapshotStore, made: Path
) -> None:
    moved = made.with_name("moved")
    subprocess.run(["cp", "--archive", made, moved], check=True)
    moved.joinpath("layers/1/fs/bin/sh").touch()
    subprocess.run(["rm", "-r", made], check=True)
    moved.rename(made)
    assert snapshots.find("apps", KEY) is not None


def test_a_body_that_fails_leaves_nothing(snapshots: SnapshotStore, tmp_path: Path) -> None:
    def fail() -> None:
        with snapshots.making("apps", KEY, "node") as folder:
            (folder / "disk").mkdir()
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert list((tmp_path / "snapshots").iterdir()) == []


@pytest.fixture
def killed(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    process = subprocess.Popen(
        [sys.executable, "-c", MAKER, str(tmp_path), KEY],
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    yield process, Path(process.stdout.readline().strip())
    process.kill()
    process.wait()
    process.stdout.close()


def test_one_that_is_being_made_is_neither_used_nor_removed(
    snapshots: SnapshotStore, killed: tuple[subprocess.Popen[str], Path]
) -> None:
    process, half = killed
    assert half.is_dir()
    assert snapshots.find("apps", KEY) is None
    assert snapshots.prune(0) == []
    assert half.is_dir()
    process.kill()
    process.wait()
    assert snapshots.find("apps", KEY) is None
    snapshots.sweep()
    assert not half.exists()


def test_only_what_nobody_uses_is_pruned(snapshots: SnapshotStore, made: Path) -> None:
    found = snapshots.find("apps", KEY)
    assert found is not None
    assert snapshots.prune(-1) == []
    assert made.is_dir()
    found.close()
    assert snapshots.prune() == []  # it was used a moment ago
    os.utime(made / "manifest.json", (0, time.time() - store.UNUSED_AGE - 60))
    assert snapshots.prune() == [made.name]
    assert not made.exists()


@pytest.mark.parametrize(("age", "usable"), [(31, True), (61, False), (-1, False)])
def test_one_is_used_for_two_months(
    snapshots: SnapshotStore, made: Path, age: int, usable: bool
) -> None:
    """A month old it is used; one from the future has certificates that are not valid yet."""
    manifest = json.loads((made / "manifest.json").read_text())
    manifest["made"] = time.time() - age * 86400
    (made / "manifest.json").write_text(json.dumps(manifest))
    assert (snapshots.find("apps", KEY) is not None) == usable


def test_the_newest_of_two_is_used(snapshots: SnapshotStore, made: Path) -> None:
    with snapshots.making("apps", KEY, "later") as later:
        (later / "disk").mkdir()
    found = snapshots.find("apps", KEY)
    assert found is not None
    assert found.path == later != made


def several(snapshots: SnapshotStore, number: int) -> list[Path]:
    """Make that many of one kind, each with another key and used after the one before it."""
    made = []
    for one in range(number):
        with snapshots.making("apps", f"{one}" * 64, "node") as folder:
            made.append(folder)
        os.utime(folder / "manifest.json", (0, time.time() - 1000 + one))
    return made


def test_of_each_kind_those_used_last_stay(snapshots: SnapshotStore, tmp_path: Path) -> None:
    made = several(snapshots, 4)
    with snapshots.making("platform", KEY, "node") as other:
        (other / "disk").mkdir()
    assert set(snapshots.prune()) == {made[0].name, made[1].name}
    assert {path.name for path in (tmp_path / "snapshots").iterdir()} == {
        *(made[2].name, made[3].name),
        other.name,
    }


def test_a_new_one_counts_among_those_that_stay(snapshots: SnapshotStore) -> None:
    made = several(snapshots, 2)
    assert snapshots.prune(new="platform") == []
    assert snapshots.prune(new="apps") == [made[0].name]


def test_other_code_of_a_checkout_replaces_what_it_made_and_nothing_else(
    snapshots: SnapshotStore, made: Path
) -> None:
    """``made`` says nothing of its code, as those of earlier versions."""
    folders = {}
    for kind, checkout, code in (
        ("apps", "/here", "old"),
        ("platform", "/here", "old"),
        ("apps", "/here", "new"),
        ("apps", "/there", "old"),
    ):
        with snapshots.making(kind, KEY, "node", Origin(checkout, code)) as folder:
            folders[kind, checkout, code] = folder
    used = folders["platform", "/here", "old"]
    lock = os.open(used, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_SH)  # as a fork does
    new = Origin("/here", "new")
    assert snapshots.replace(new) == [folders["apps", "/here", "old"].name]
    os.close(lock)
    assert snapshots.replace(new) == [used.name]
    assert made.is_dir()
    assert folders["apps", "/here", "new"].is_dir()
    assert folders["apps", "/there", "old"].is_dir()


def test_room_is_made_by_those_used_longest_ago_that_nobody_uses(
    snapshots: SnapshotStore,
) -> None:
    made = several(snapshots, 4)
    with snapshots.making("platform", KEY, "node") as other:
        (other / "disk").mkdir()
    used = snapshots.find("apps", "0" * 64)
    assert used is not None
    os.utime(made[0] / "manifest.json", (0, time.time() - 2000))
    assert snapshots.free("apps", lambda: True) == []
    assert snapshots.free("apps", lambda: not made[2].exists()) == [made[1].name, made[2].name]
    assert snapshots.free("apps", lambda: False) == [made[3].name]
    assert made[0].is_dir()
    assert other.is_dir()
    used.close()


@pytest.mark.usefixtures("made")
def test_what_the_newest_takes_is_known(snapshots: SnapshotStore) -> None:
    assert snapshots.usual_size("platform") is None
    with snapshots.making("apps", "1" * 64, "node") as larger:
        (larger / "disk").mkdir()
        (larger / "disk/etcd.db").write_bytes(b"x" * 300_000)
    assert (snapshots.usual_size("apps") or 0) // 100_000 == 3
    (larger / "manifest.json").write_text('{"made": 9e9}')  # as an earlier version wrote it
    found = snapshots.usual_size("apps")
    assert found is not None
    assert 0 < found < 100_000
