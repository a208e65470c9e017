"""What a dead owner left on the host is taken away, unless it is somebody else's by now."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.clusters.ownership import inventory
from conformance.clusters.ownership.network import Link, claim
from conformance.clusters.ownership.ownership import Ownership
from conformance.clusters.ownership.state import Record, State
from conformance.clusters.sandbox.cgroups import Cgroups
from conformance.clusters.sandbox.host_process import HostProcess

DEAD = HostProcess(os.getpid(), 0)


def leave_behind(state_dir: Path, link: Link) -> None:
    """A cluster of an owner that was killed."""
    folder = State(state_dir).folder("one")
    folder.path.mkdir(parents=True)
    folder.write(Record(DEAD, kept=False, created=time.time(), link=link))


def put_on_host(link: Link) -> None:
    peer = ["type", "veth", "peer", "name", f"{link.host_device}-peer"]
    subprocess.run(["ip", "link", "add", link.host_device, *peer], check=True)
    Cgroups.of_host().create(link.cgroup)


def on_host(link: Link) -> list[bool]:
    device = Path("/sys/class/net", link.host_device)
    return [device.exists(), link.cgroup in Cgroups.of_host().named(link.cgroup)]


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Ownership]:
    """A live cluster of another state folder, with its device and its group."""
    ownership = Ownership(tmp_path / "other", "live", "embedded")
    link = ownership.found()
    put_on_host(link)
    yield ownership
    ownership.delete()


def test_a_number_that_is_another_s_by_now_is_let_be(tmp_path: Path, other: Ownership) -> None:
    link = other.record.link
    leave_behind(tmp_path / "swept", link)
    assert inventory.sweep(tmp_path / "swept") == ["one"]
    assert on_host(link) == [True, True]
    other.delete()
    assert on_host(link) == [False, False]


def test_a_number_that_nobody_has_is_cleared(tmp_path: Path) -> None:
    link, holder = claim()
    put_on_host(link)
    holder.close()
    leave_behind(tmp_path, link)
    assert inventory.sweep(tmp_path) == ["one"]
    assert on_host(link) == [False, False]
