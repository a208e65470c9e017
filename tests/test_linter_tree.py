"""The files under PATH: what is read, what is left out, and that hostile ones cost nothing."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from conformance.common.errors import HarnessError
from conformance.common.settings import PROJECT_ROOT
from conformance.linter.limits import MEBIBYTE, Limits
from conformance.linter.reading.tree import Tree, decode


def member(name: str, content: bytes = b"", **changes: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in changes.items():
        setattr(info, key, value)
    return info, content


def packed(path: Path, members: Iterable[tuple[tarfile.TarInfo, bytes]]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return path


def messages(tree: Tree) -> str:
    return "\n".join(f"{problem.place.file}: {problem.message}" for problem in tree.problems)


READING = """
import sys
from pathlib import Path
from conformance.linter.reading.tree import Tree
def resident():
    [line] = [one for one in open("/proc/self/status") if one.startswith("VmRSS")]
    return int(line.split()[1])
before = resident()
tree = Tree.read(Path(sys.argv[1]))
print((resident() - before) / len(tree.files))
"""


def test_a_small_file_takes_less_than_a_page_of_memory(tmp_path: Path) -> None:
    for number in range(3000):
        (tmp_path / f"{number}.txt").write_text("small")
    told = subprocess.run(
        [sys.executable, "-c", READING, str(tmp_path)], capture_output=True, check=True
    )
    assert float(told.stdout) < 2.0, "KiB"


def test_folder_is_read_by_paths_relative_to_it(tmp_path: Path) -> None:
    folder = tmp_path / "forge"
    (folder / "apps" / "empty").mkdir(parents=True)
    (folder / "apps" / "a.yaml").write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    (folder / "logo.png").write_bytes(b"\x89PNG\0")
    tree = Tree.read(folder)
    assert tree.name == "forge"
    assert tree.tail == (folder).parts[1:]
    assert sorted(tree.files) == ["apps/a.yaml", "logo.png"]
    assert tree.folders == {".", "apps", "apps/empty"}
    assert tree.text("apps/a.yaml") == "a: 1\nb: 2\n"
    assert tree.text("logo.png") is None
    assert tree.text("nothing") is None
    assert tree.problems == []


def test_path_is_named_by_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "forge").mkdir()
    monkeypatch.chdir(tmp_path / "forge")
    assert Tree.read(Path()).name == "forge"
    assert Tree.read(Path("..")).name == tmp_path.name


def test_hidden_folders_and_node_modules_are_not_read(tmp_path: Path) -> None:
    for folder in (".git", "node_modules", "app"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.yaml").write_text("a: 1\n")
    (tmp_path / ".helmignore").write_text("ci/\n")
    assert set(Tree.read(tmp_path).files) == {"app/a.yaml", ".helmignore"}


def test_links_that_lead_out_and_devices_are_left_out(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.yaml").write_text("secret: 1\n")
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "file.yaml").symlink_to(outside / "secret.yaml")
    (folder / "folder").symlink_to(outside)
    (folder / "loop").symlink_to(folder)
    (folder / "self").symlink_to(folder / "self")
    (folder / "none").symlink_to("nothing")
    os.mkfifo(folder / "pipe.yaml")

    tree = Tree.read(folder)

    assert tree.files == {}
    assert tree.folders == {"."}
    assert [problem.place.file for problem in tree.problems] == ["pipe.yaml"]
    assert tree.links.broken == {
        "file.yaml": "it leads out of the package",
        "folder": "it leads out of the package",
        "loop": "it leads to a folder around it, or to what is not read",
        "none": "it leads to nothing, or to itself",
        "self": "it leads to nothing, or to itself",
    }


def test_links_inside_the_tree_are_followed(tmp_path: Path) -> None:
    (tmp_path / "base" / "deep").mkdir(parents=True)
    (tmp_path / "base" / "deep" / "a.yaml").write_text("a: 1\n")
    (tmp_path / "base" / "b.yaml").symlink_to("deep/a.yaml")
    (tmp_path / "app").symlink_to("base")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "c.yaml").write_text("c: 1\n")
    (tmp_path / "c.yaml").symlink_to(".hidden/c.yaml")

    tree = Tree.read(tmp_path)

    texts = {path: tree.text(path) for path in tree.files}
    assert texts == dict.fromkeys(
        ("base/deep/a.yaml", "base/b.yaml", "app/deep/a.yaml", "app/b.yaml"), "a: 1\n"
    )
    assert {"app", "app/deep"} <= tree.folders
    assert tree.links.real("app/deep/a.yaml") == "base/deep/a.yaml"
    assert list(tree.links.broken) == ["c.yaml"]


def test_links_that_multiply_files_stop_at_the_limit(tmp_path: Path) -> None:
    (tmp_path / "0").mkdir()
    for number in range(50):
        (tmp_path / "0" / f"{number}.yaml").write_text("a: 1\n")
    for number in range(1, 20):
        (tmp_path / str(number)).mkdir()
        for name in "abc":
            (tmp_path / str(number) / name).symlink_to(f"../{number - 1}")

    assert len(Tree.read(tmp_path, Limits(files=500)).files) <= 500


def test_single_file_is_a_tree_of_one(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: 1\n")
    tree = Tree.read(tmp_path / "a.yaml")
    assert tree.files == {"a.yaml": b"a: 1\n"}
    assert (tree.name, tree.tail) == ("a.yaml", tmp_path.parts[1:])


@pytest.mark.parametrize("path", ["nothing", "nothing\n\x1b[31m", "a\0b", "x" * 5000])
def test_nothing_there_is_told(tmp_path: Path, path: str) -> None:
    with pytest.raises(HarnessError) as error:
        Tree.read(tmp_path / path)
    assert "\x1b" not in str(error.value)


def test_device_is_no_package() -> None:
    with pytest.raises(HarnessError, match="neither a folder nor a file"):
        Tree.read(Path("/dev/zero"))


def test_yaml_that_is_no_text_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"a: \0\x01\xff")
    (tmp_path / "b.yml").write_text("ä: ü", encoding="utf-16")
    (tmp_path / "c.bin").write_bytes(b"\0")
    tree = Tree.read(tmp_path)
    assert [problem.place.file for problem in tree.problems] == ["a.yaml", "b.yml"]
    assert tree.text("a.yaml") is None


def test_names_with_anything_in_them_are_kept(tmp_path: Path) -> None:
    name = "<b>\n\x1b[31m\u202e.yaml"
    (tmp_path / name).write_bytes(b"\xff")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.yaml")).write_text("a: 1\n")
    tree = Tree.read(tmp_path)
    assert set(tree.files) == {name, "\ufffd.yaml"}
    assert tree.problems[0].message.isprintable()
    for path in tree.files:
        path.encode("utf-8")


def test_limits_on_files(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"{number:02}.yaml").write_text("a: 1\n")
    tree = Tree.read(tmp_path, Limits(files=5))
    assert len(tree.files) == 5
    assert "more than 5 files and folders" in messages(tree)


def test_limits_on_bytes(tmp_path: Path) -> None:
    (tmp_path / "large.yaml").write_bytes(b"#" * 2000)
    (tmp_path / "large.png").write_bytes(b"#" * 2000)
    (tmp_path / "a.png").write_bytes(b"#" * 900)
    (tmp_path / "b.yaml").write_bytes(b"#" * 900)
    (tmp_path / "c.yaml").write_bytes(b"#" * 900)
    tree = Tree.read(tmp_path, Limits(file_bytes=1000, total_bytes=1000))
    assert set(tree.files) == {"b.yaml"}  # YAML counts more than pictures
    assert [problem.place.file for problem in tree.problems] == ["large.yaml", ""]
    assert "1 of them were not read" in messages(tree)


def test_huge_sparse_file_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a.yaml").open("wb") as file:
        file.truncate(1 << 40)
    assert "larger than 4 MiB" in messages(Tree.read(tmp_path))


def test_deep_folders_end(tmp_path: Path) -> None:
    folder = tmp_path
    for _ in range(20):
        folder /= "d"
    folder.mkdir(parents=True)
    (folder / "a.yaml").write_text("a: 1\n")
    tree = Tree.read(tmp_path, Limits(depth=10))
    assert tree.files == {}
    assert "nested too deep" in messages(tree)


def test_chart_archive_is_read_without_its_top_folder(tmp_path: Path) -> None:
    members = [
        member("./notes/", type=tarfile.DIRTYPE),
        member("./notes/Chart.yaml", b"name: notes\n"),
        member("./notes/templates/a.yaml", b"a: 1\n"),
    ]
    for name in ("notes-1.0.0.tgz", "notes-1.0.0.tar.gz", "other"):
        tree = Tree.read(packed(tmp_path / name, members))
        assert set(tree.files) == {"Chart.yaml", "templates/a.yaml"}
        assert tree.folders == {".", "templates"}
        assert tree.tail == ("notes",)
        assert tree.name == ("other" if name == "other" else "notes-1.0.0")


def test_archive_without_a_top_folder_stays_as_it_is(tmp_path: Path) -> None:
    members = [member("a.yaml", b"a: 1\n"), member("apps/b.yaml", b"b: 1\n")]
    tree = Tree.read(packed(tmp_path / "x.tgz", members))
    assert set(tree.files) == {"a.yaml", "apps/b.yaml"}
    assert tree.tail == ()


def test_what_helm_packages_is_read(tmp_path: Path) -> None:
    from helm_python.chart import package

    path = Path(package(PROJECT_ROOT / "charts" / "notes", destination=tmp_path))
    folder = Tree.read(PROJECT_ROOT / "charts" / "notes")
    archive = Tree.read(path)
    assert archive.problems == []
    assert set(archive.files) == set(folder.files)
    assert archive.folders == folder.folders


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (member("../../etc/cron.d/x", b"x"), "outside of itself"),
        (member("/etc/passwd", b"x"), "outside of itself"),
        (member("notes/..\\..\\x", b"x"), "outside of itself"),
        (member("notes/link.yaml", type=tarfile.SYMTYPE, linkname="/etc/passwd"), "is a link"),
        (member("notes/hard.yaml", type=tarfile.LNKTYPE, linkname="/etc/passwd"), "is a link"),
        (member("notes/zero", type=tarfile.CHRTYPE, devmajor=1, devminor=5), "not a regular file"),
        (member("notes/pipe", type=tarfile.FIFOTYPE), "not a regular file"),
        (member("notes/Chart.yaml", b"again"), "in the archive twice"),
        (member("notes/a\x1b[31m\n.yaml", b"\xff"), "not UTF-8"),
    ],
)
def test_hostile_member_of_an_archive(
    tmp_path: Path, bad: tuple[tarfile.TarInfo, bytes], told: str
) -> None:
    tree = Tree.read(packed(tmp_path / "notes.tgz", [member("notes/Chart.yaml", b"x: 1\n"), bad]))
    assert told in messages(tree)
    assert all(problem.message.isprintable() for problem in tree.problems)
    assert "Chart.yaml" in tree.files


def test_sparse_member_is_left_out(tmp_path: Path) -> None:
    pax = {"GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.name": "notes/a.yaml"}
    pax |= {"GNU.sparse.size": str(1 << 50), "GNU.sparse.map": "0,1"}
    tree = Tree.read(packed(tmp_path / "x.tgz", [member("notes/x", b"x", pax_headers=pax)]))
    assert tree.files == {}
    assert "not a regular file" in messages(tree)


def test_gzip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.tgz"
    with tarfile.open(bomb, "w:gz", compresslevel=1) as archive:
        info, _ = member("notes/values.yaml", b"")
        info.size = 120 * MEBIBYTE
        with Path("/dev/zero").open("rb") as zeros:
            archive.addfile(info, zeros)
    tree = Tree.read(bomb)
    assert "is larger than allowed" in messages(tree)
    assert "unpacks to more than 64 MiB" in messages(tree)


def test_bomb_of_many_files_is_not_unpacked(tmp_path: Path) -> None:
    many = [member(f"notes/{number}.yaml", b" " * MEBIBYTE) for number in range(4)]
    path = packed(tmp_path / "bomb.tgz", many)
    assert "200 times its size" in messages(Tree.read(path))
    tree = Tree.read(path, Limits(total_bytes=2 * MEBIBYTE, archive_ratio=10_000))
    assert len(tree.files) == 2
    tree = Tree.read(path, Limits(files=3, archive_ratio=10_000))
    assert len(tree.files) == 3
    assert "more than 3 files in the archive" in messages(tree)


@pytest.mark.parametrize(
    "content",
    [
        b"\x1f\x8b",
        b"\x1f\x8b" + b"\0" * 100,
        gzip.compress(b"no tar at all" * 100),
        gzip.compress(b"no tar" * 1000)[:-9],
        b"no gzip",
        b"",
    ],
    ids=["two bytes", "zeros", "no tar", "cut off", "no gzip", "nothing"],
)
def test_broken_archive_is_a_problem(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.tgz").write_bytes(content)
    tree = Tree.read(tmp_path / "x.tgz")
    assert tree.files == {}
    assert "broken" in messages(tree)


def test_empty_archive_is_a_problem(tmp_path: Path) -> None:
    assert "the archive is empty" in messages(Tree.read(packed(tmp_path / "x.tgz", [])))


def test_cut_archive_keeps_what_came_before(tmp_path: Path) -> None:
    members = [member("n/a.yaml", b"a: 1\n"), member("n/b.yaml", os.urandom(200_000))]
    path = packed(tmp_path / "x.tgz", members)
    path.write_bytes(path.read_bytes()[:60_000])
    tree = Tree.read(path)
    assert tree.files == {"a.yaml": b"a: 1\n"}
    assert "broken" in messages(tree)


def test_headers_without_end_are_not_followed(tmp_path: Path) -> None:
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 10
    block = header.tobuf(tarfile.GNU_FORMAT) + b"x".ljust(512, b"\0")
    path = tmp_path / "x.tgz"
    path.write_bytes(gzip.compress(block * 5000))
    assert "broken" in messages(Tree.read(path, Limits(archive_ratio=100_000)))


def test_large_header_is_not_read(tmp_path: Path) -> None:
    pax = {f"k{number}": "x" * 1000 for number in range(2000)}
    path = packed(tmp_path / "x.tgz", [member("n/a.yaml", b"a: 1\n", pax_headers=pax)])
    assert "header is too large" in messages(Tree.read(path))


@pytest.mark.parametrize("size", ["-1000", "99999999999999999999", "abc"])
def test_sizes_that_lie(tmp_path: Path, size: str) -> None:
    info = member("n/b.yaml", b"b: 1\n", pax_headers={"size": size})
    path = packed(tmp_path / "x.tgz", [member("n/a.yaml", b"a: 1\n"), info])
    assert Tree.read(path).files["a.yaml"] == b"a: 1\n"


def test_text_of_bytes() -> None:
    assert decode(b"\xef\xbb\xbfa\r\nb") == "a\nb"
    assert decode(b"a\0") is None
    assert decode(b"\xff") is None
