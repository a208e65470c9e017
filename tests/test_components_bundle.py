"""Parts in a file reach another cache whole or not at all, and nothing gets out of the cache."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conformance.common.errors import HarnessError
from conformance.components import bundle
from conformance.components.store import Store

KEY, OTHER_KEY = "0123456789abcdef" * 4, "fedcba9876543210" * 4
TEXT = b"bytes"
DIGEST = hashlib.sha256(TEXT).hexdigest()


def put(store: Store, name: str, text: bytes = TEXT, key: str = KEY) -> Path:
    with (
        store.lock(name, key, lambda _: None),
        store.put(name, key, lambda: {"seconds": 1.5}) as (files, _),
    ):
        (files / "oci").mkdir()
        (files / "oci" / "index.json").write_bytes(text)
        (files / name).write_bytes(text)
        (files / name).chmod(0o755)
    return store.entry(name, key)


@pytest.fixture
def here(tmp_path: Path) -> Store:
    return Store(tmp_path / "here")


@pytest.fixture
def there(tmp_path: Path) -> Store:
    return Store(tmp_path / "there")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "parts.tar.zst"


def all_of(_name: str, _key: str) -> bool:
    return True


def test_parts_are_the_same_on_the_other_machine(here: Store, there: Store, file: Path) -> None:
    put(here, "tool")
    put(here, "image-tool", b"other", OTHER_KEY)
    size = bundle.write(here, [("tool", KEY), ("image-tool", OTHER_KEY)], file)
    assert size == file.stat().st_size > 0
    assert bundle.read(there, file, all_of).added == ["tool", "image-tool"]
    for name, key in (("tool", KEY), ("image-tool", OTHER_KEY)):
        assert there.files(name, key)
        assert there.facts(name, key) == here.facts(name, key)
    assert bundle.read(there, file, all_of).there == ["tool", "image-tool"]
    assert [path.name for path in file.parent.iterdir() if path.name.startswith(".")] == []


def test_a_file_of_several_parts_is_in_the_archive_once(here: Store, file: Path) -> None:
    put(here, "a")
    put(here, "b")
    bundle.write(here, [("a", KEY), ("b", KEY)], file)
    names = subprocess.run(
        ["tar", "--zstd", "-tf", file], check=True, capture_output=True, text=True
    ).stdout.split()
    assert names == ["parts/a.json", "parts/b.json", f"files/{DIGEST}"]


def test_what_this_version_does_not_know_is_left_out(here: Store, there: Store, file: Path) -> None:
    put(here, "old", key=OTHER_KEY)
    put(here, "new")
    bundle.write(here, [("old", OTHER_KEY), ("new", KEY)], file)
    result = bundle.read(there, file, lambda _, key: key == KEY)
    assert (result.added, result.unknown) == (["new"], ["old"])
    assert there.files("old", OTHER_KEY) is None


def test_a_damaged_part_is_replaced_by_the_imported_one(
    here: Store, there: Store, file: Path
) -> None:
    put(here, "tool")
    bundle.write(here, [("tool", KEY)], file)
    (put(there, "tool") / "files" / "tool").write_text("rotten")
    assert bundle.read(there, file, all_of).added == ["tool"]
    assert there.files("tool", KEY)


def test_a_damaged_part_is_not_exported_and_an_earlier_file_stays(here: Store, file: Path) -> None:
    file.write_text("earlier")
    (put(here, "tool") / "files" / "tool").write_text("rotten")
    with pytest.raises(HarnessError, match="tool in the cache is corrupt: tool has changed"):
        bundle.write(here, [("tool", KEY)], file)
    assert file.read_text() == "earlier"
    assert [path.name for path in file.parent.iterdir() if ".part" in path.name] == []


def test_a_file_that_cannot_be_written_is_said(here: Store, tmp_path: Path) -> None:
    put(here, "tool")
    with pytest.raises(HarnessError, match=r"nowhere/.* could not be written"):
        bundle.write(here, [("tool", KEY)], tmp_path / "nowhere" / "parts.tar.zst")


Member = tuple[str, bytes]


def record(name: str = "tool", /, **changes: Any) -> Member:
    what = {"name": name, "key": KEY, "files": {name: one()}, **changes}
    return f"parts/{name}.json", json.dumps(what).encode()


def one(**changes: Any) -> dict[str, Any]:
    return {"sha256": DIGEST, "size": len(TEXT), "mode": "0755", **changes}


def archive(file: Path, *members: Member, kind: bytes = tarfile.REGTYPE) -> Path:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content) if kind == tarfile.REGTYPE else 0
            info.type = kind
            info.linkname = "/etc/passwd"
            tar.addfile(info, io.BytesIO(content))
    packed = subprocess.run(["zstd", "-q"], input=plain.getvalue(), capture_output=True, check=True)
    file.write_bytes(packed.stdout)
    return file


BYTES = (f"files/{DIGEST}", TEXT)


def test_an_archive_of_this_form_is_read(there: Store, file: Path) -> None:
    assert bundle.read(there, archive(file, record(), BYTES), all_of).added == ["tool"]


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ([record(), BYTES, ("../evil", b"x")], "no part says that it belongs there"),
        ([record(), BYTES, ("/etc/evil", b"x")], "no part says that it belongs there"),
        ([record(), ("files/" + "0" * 64, b"x")], "no part says that it belongs there"),
        ([("parts/../x.json", b"{}")], "no part says that it belongs there"),
        ([record(), BYTES, record("late")], "no part says that it belongs there"),
        ([record(), (f"files/{DIGEST}", b"bytez")], "its bytes have another hash"),
        ([record(), (f"files/{DIGEST}", b"more bytes")], "no part says that it belongs there"),
        ([record()], "it is missing"),
        ([record("tool", name="other"), BYTES], "it is another part's"),
        ([record(key="../../x"), BYTES], "it is another part's"),
        ([record(files={"../evil": one()}), BYTES], "leads out of the part"),
        ([record(files={"/etc/evil": one()}), BYTES], "leads out of the part"),
        ([record(files={"a/../../evil": one()}), BYTES], "leads out of the part"),
        ([record(files={"": one()}), BYTES], "leads out of the part"),
        ([record(files={"x": {"link": "/etc"}}), BYTES], "it cannot be read"),
        ([record(files={"x": one(mode="4755")}), BYTES], "is not a plain file"),
        ([record(files={"x": one(size=-1)}), BYTES], "has no size"),
        ([record(files=[]), BYTES], "it cannot be read"),
        ([("parts/tool.json", b"{"), BYTES], "it cannot be read"),
        ([("parts/tool.json", b"[" * 100_000), BYTES], "it cannot be read"),
        ([("parts/tool.json", b" " * (bundle._LONGEST + 1)), BYTES], "it is too long"),
    ],
)
def test_what_is_not_of_this_form_is_refused_and_nothing_is_imported(
    members: list[Member], words: str, there: Store, file: Path
) -> None:
    with pytest.raises(HarnessError, match=words):
        bundle.read(there, archive(file, *members), all_of)
    nothing_in(there)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE])
def test_what_is_no_plain_file_is_refused(kind: bytes, there: Store, file: Path) -> None:
    with pytest.raises(HarnessError, match="it is not a plain file"):
        bundle.read(there, archive(file, BYTES, kind=kind), all_of)
    nothing_in(there)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[: len(content) // 2],
        lambda content: content[:-20] + bytes(20),
        lambda _: b"",
        lambda _: b"no archive",
    ],
)
def test_a_damaged_archive_is_refused(
    damage: Callable[[bytes], bytes], here: Store, there: Store, file: Path
) -> None:
    put(here, "tool", bytes(range(256)) * 1000)
    bundle.write(here, [("tool", KEY)], file)
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(HarnessError, match=r"parts\.tar\.zst: "):
        bundle.read(there, file, all_of)
    nothing_in(there)


def test_two_files_in_each_others_way_are_refused(there: Store, file: Path) -> None:
    files = {"a": one(), "a/b": one()}
    with pytest.raises(HarnessError, match="tool could not be put into the cache"):
        bundle.read(there, archive(file, record(files=files), BYTES), all_of)
    nothing_in(there)


def test_too_little_space_is_said_before_anything_is_written(there: Store, file: Path) -> None:
    huge = record(files={"x": one(size=1 << 60)})
    with pytest.raises(HarnessError, match="too little disk space for the parts, twice while"):
        bundle.read(there, archive(file, huge, BYTES), all_of)
    nothing_in(there)


def nothing_in(store: Store) -> None:
    assert list(store.entries()) == []
    assert store.sweep() == []


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda _: None, "No such file"),
        (Path.mkdir, "it is a folder"),
        (os.mkfifo, "it is a pipe"),
        (lambda path: path.symlink_to("/dev/zero"), "it is a device"),
        (lambda path: path.symlink_to(path), "Too many levels of symbolic links"),
    ],
)
def test_what_is_no_file_is_called_what_it_is(
    make: Callable[[Path], object], words: str, there: Store, tmp_path: Path
) -> None:
    make(tmp_path / "given")
    with pytest.raises(HarnessError, match=f"given: .*{words}.*\n  To do: give a file"):
        bundle.read(there, tmp_path / "given", all_of)
