"""Trees of files: made the same each time, and every kind of damage noticed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from conformance.apps import tree


def run(argv: Sequence[str], stdin: bytes) -> bytes:
    program = [sys.executable, *argv[1:]]
    return subprocess.run(program, input=stdin, stdout=subprocess.PIPE, check=True).stdout


@pytest.fixture
def grown(tmp_path: Path) -> Path:
    tree.grow(run, str(tmp_path / "grown"), seed=3, files=30)
    return tmp_path / "grown"


def change_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def retarget(path: Path) -> None:
    path.unlink()
    path.symlink_to("elsewhere")


def replace_by_copy(path: Path) -> None:
    content = (path.parent / path.readlink()).read_bytes()
    path.unlink()
    path.write_bytes(content)


def test_the_same_seed_makes_the_same_tree(grown: Path, tmp_path: Path) -> None:
    tree.grow(run, str(tmp_path / "again"), seed=3, files=30)
    first, again = tree.describe(run, str(grown)), tree.describe(run, str(tmp_path / "again"))
    assert tree.differences(first, again) == []
    assert {entry.type for entry in first.values()} == {"file", "directory", "link"}
    assert "資料 データ.csv" in first
    assert first["link out"].target == "../../.."
    assert any(entry.mode == "4750" for entry in first.values())


@pytest.mark.parametrize(
    ("path", "damage", "told"),
    [
        ("Grüße aus Köln.txt", change_byte, "Grüße aus Köln.txt: sha256 "),
        ("Grüße aus Köln.txt", Path.unlink, "Grüße aus Köln.txt: missing"),
        (".hidden", lambda path: path.chmod(0o666), ".hidden: mode 644 -> 666"),
        ("link nowhere", retarget, "link nowhere: target does/not/exist -> elsewhere"),
        ("link ünïcode", replace_by_copy, "link ünïcode: type link -> file"),
        ("empty folder", Path.rmdir, "empty folder: missing"),
        ("new", Path.touch, "new: not there before"),
    ],
)
def test_damage_is_named(grown: Path, path: str, damage: Callable[[Path], None], told: str) -> None:
    before = tree.describe(run, str(grown))
    damage(grown / path)
    found = tree.differences(before, tree.describe(run, str(grown)))
    assert len(found) == 1
    assert found[0].startswith(told)


def test_altering_a_file_twice_leaves_it_as_it_was(grown: Path) -> None:
    before = tree.describe(run, str(grown))
    files = [path for path, entry in before.items() if entry.type == "file" and entry.size]
    for path in files[:5]:
        tree.alter(run, f"{grown}/{path}")
        assert tree.differences(before, tree.describe(run, str(grown)))[0].startswith(path)
        tree.alter(run, f"{grown}/{path}")
    assert tree.describe(run, str(grown)) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_another_owner_is_named(grown: Path) -> None:
    before = tree.describe(run, str(grown))
    os.chown(grown / ".hidden", 1234, 4321)
    uid, gid = before[".hidden"].uid, before[".hidden"].gid
    assert tree.differences(before, tree.describe(run, str(grown))) == [
        f".hidden: uid {uid} -> 1234, gid {gid} -> 4321"
    ]


def test_only_what_is_asked_for_is_described(grown: Path) -> None:
    assert set(tree.describe(run, str(grown), ("folder-0", ".hidden", "nothing"))) >= {
        "folder-0",
        ".hidden",
    }
    assert ".hidden" not in tree.describe(run, str(grown), ("folder-0",))


def test_error_shows_the_first_and_counts_the_rest() -> None:
    error = tree.DataDiffers("data of notes", [f"{n}: missing" for n in range(25)])
    assert str(error).startswith("data of notes: 25 differences\n  0: missing\n")
    assert str(error).endswith("\n  9: missing\n  ... and 15 more")


def test_a_hole_takes_no_room(tmp_path: Path) -> None:
    size = 4 * 1024 * 1024
    tree.make_sparse(run, str(tmp_path), size)
    sparse, dense = tmp_path / "sparse", tmp_path / "dense"
    assert (sparse.stat().st_size, dense.stat().st_size) == (size, size // 16)
    room = tree.room(run, str(sparse), str(dense))
    assert room[str(dense)] >= size // 16
    assert room[str(sparse)] < size // 4
    sparse.write_bytes(sparse.read_bytes())  # as a careless copy does
    assert tree.room(run, str(sparse))[str(sparse)] >= size
