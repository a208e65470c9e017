"""Data that containers write into their own file systems: seen from the node, named, or let be."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from conformance.apps.package import stray_data as module
from conformance.apps.package.stray_data import (
    NoOverlay,
    is_data,
    own_file_system,
    stray_data,
    written,
)

MOUNTINFO = """\
2100 1979 0:312 / / ro,relatime master:1 - overlay overlay rw,{options}
2101 2100 0:320 / /proc rw,nosuid - proc proc rw
2102 2100 8:1 /pods/1/volumes/data /var/lib/app rw - ext4 /dev/sda1 rw
2103 2100 8:1 /pods/1/etc-hosts /etc/hosts rw - ext4 /dev/sda1 rw
2104 2100 8:1 /x /srv/with\\040space rw - ext4 /dev/sda1 rw
"""


def mountinfo(upper: Path | str, *lowers: Path | str) -> str:
    options = f"lowerdir={':'.join(map(str, lowers))},upperdir={upper},workdir=/work"
    return MOUNTINFO.format(options=options)


def test_what_a_container_shares_is_told_from_what_it_has_alone() -> None:
    own = own_file_system(mountinfo("/snapshots/9/fs", "/snapshots/2/fs", "/snapshots/1/fs"))
    assert own.upper == "/snapshots/9/fs"
    assert own.lowers == ("/snapshots/2/fs", "/snapshots/1/fs")
    assert own.mounts == ("/proc", "/var/lib/app", "/etc/hosts", "/srv/with space")


def test_layers_may_be_given_relative_or_one_by_one() -> None:
    assert own_file_system(mountinfo("/snapshots/9/fs", "2/fs", "1/fs")).lowers == (
        "/snapshots/2/fs",
        "/snapshots/1/fs",
    )
    options = "lowerdir+=/2,lowerdir+=/1,upperdir=/9,workdir=/w"
    assert own_file_system(MOUNTINFO.format(options=options)).lowers == ("/2", "/1")


def test_a_file_system_of_another_kind_says_nothing() -> None:
    with pytest.raises(NoOverlay, match="no overlay"):
        own_file_system(MOUNTINFO.replace("overlay overlay", "ext4 /dev/sda1").format(options="x"))


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("/var/lib/app.db", True),
        ("/srv/uploads/1.txt", True),
        ("/app/data.json", True),
        ("/root/key", True),
        ("/var/lib/app/app.db", False),  # a volume
        ("/tmp/upload", False),
        ("/var/tmp/upload", False),
        ("/run/app/secret", False),
        ("/etc/app/config.json", False),
        ("/usr/lib/python3/__pycache__/x.pyc", False),
        ("/home/app/.cache/x", False),
        ("/var/log/app.txt", False),
        ("/srv/app.pid", False),
    ],
)
def test_data_is_told_by_its_place(path: str, data: bool) -> None:
    assert is_data(path, ("/var/lib/app", "/proc")) is data


class Node:
    """This machine as a node on which one container runs."""

    def __init__(self, folder: Path) -> None:
        self.upper, self.lower = folder / "9/fs", folder / "1/fs"
        for one in (self.upper, self.lower):
            one.mkdir(parents=True)

    def write(self, layer: Path, path: str, content: str) -> None:
        file = layer / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)

    def node_run(self, argv: Sequence[str], **_: Any) -> subprocess.CompletedProcess[bytes]:
        if argv[2] == module._MOUNTS:
            there = argv[-1] == "abc"
            text = mountinfo(self.upper, "1/fs").encode() if there else b""
            return subprocess.CompletedProcess(argv, 0 if there else 1, text, b"")
        return subprocess.run(argv, capture_output=True, check=False)


def a_pod(*containers: str, state: str = "running") -> dict[str, Any]:
    statuses = [
        {"name": name, "containerID": f"containerd://{identity}", "state": {state: {}}}
        for name, identity in (one.split("=") for one in containers)
    ]
    return {"metadata": {"name": "app-1"}, "status": {"containerStatuses": statuses}}


def test_files_that_the_image_does_not_have_are_named(tmp_path: Path) -> None:
    node = Node(tmp_path)
    node.write(node.lower, "srv/page.html", "as in the image")
    node.write(node.upper, "srv/page.html", "as in the image")  # its owner was changed
    node.write(node.lower, "srv/changed.html", "as in the image")
    node.write(node.upper, "srv/changed.html", "by the app")
    node.write(node.upper, "data/ein Name mit ä", "new")
    node.write(node.upper, "data/empty", "")
    node.write(node.upper, "tmp/upload", "transient")
    assert written(node, "abc") == ["/data/ein Name mit ä", "/srv/changed.html"]  # type: ignore[arg-type]
    assert stray_data(node, [a_pod("web=abc")]) == [  # type: ignore[arg-type]
        "app-1/web: /data/ein Name mit ä, /srv/changed.html"
    ]


def test_many_files_are_counted_and_some_named(tmp_path: Path) -> None:
    node = Node(tmp_path)
    for number in range(8):
        node.write(node.upper, f"srv/{number}", "new")
    [line] = stray_data(node, [a_pod("web=abc")])  # type: ignore[arg-type]
    assert line.endswith("/srv/4, and 3 more")


def test_who_has_written_nothing_is_not_named(tmp_path: Path) -> None:
    assert stray_data(Node(tmp_path), [a_pod("web=abc"), a_pod("job=x", state="terminated")]) == []  # type: ignore[arg-type]


def test_a_container_that_is_gone_cannot_be_looked_at(tmp_path: Path) -> None:
    with pytest.raises(NoOverlay, match="no process of container other"):
        stray_data(Node(tmp_path), [a_pod("web=other")])  # type: ignore[arg-type]
    node = Node(tmp_path / "again")
    node.upper.rmdir()
    with pytest.raises(NoOverlay, match="9/fs"):
        written(node, "abc")  # type: ignore[arg-type]
