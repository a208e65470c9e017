"""How files of a report are written."""

from __future__ import annotations

import os
import resource
import stat
from pathlib import Path

import pytest

from conformance.report.files import write_atomically


def test_a_link_stays_and_its_file_is_written(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    for name in ("old", "new"):
        link = tmp_path / name
        link.symlink_to(kept / name)
        (kept / "old").write_text("old")
        write_atomically(link, "more")
        assert link.is_symlink()
        assert (kept / name).read_text() == "more"
    assert sorted(path.name for path in kept.iterdir()) == ["new", "old"]


@pytest.mark.parametrize("linked", [False, True])
def test_a_pipe_is_written_to(linked: bool, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    named = tmp_path / "link" if linked else pipe
    if linked:
        named.symlink_to(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_atomically(named, "more")
    assert os.read(reader, 100) == b"more"
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_what_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            write_atomically(page, "more than there is room for")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    assert page.read_text() == "old"


@pytest.mark.parametrize("name", ["folder", "circle", "file/in/it"])
def test_what_is_no_place_for_a_file_is_an_error(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "circle").symlink_to("circle")
    with pytest.raises(OSError, match=name.partition("/")[0]):
        write_atomically(tmp_path / name, "text")
