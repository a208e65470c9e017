from __future__ import annotations

from pathlib import Path

import pytest

from conformance.clusters.sandbox.cgroups import Cgroups

V1 = """\
30 23 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:5 - cgroup cgroup rw,cpu,cpuacct
32 30 0:28 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset,clone_children
33 30 0:29 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
34 30 0:30 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,release_agent=/x,name=systemd
"""
UNIFIED = "35 30 0:31 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"


def test_version_1() -> None:
    host = Cgroups.of_host(V1)
    assert host.version == 1
    assert set(host.controllers) == {"cpu", "cpuacct", "cpuset", "memory", "name=systemd"}
    assert host.controllers["cpuacct"] == Path("/sys/fs/cgroup/cpu,cpuacct")
    assert host.missing() == []


def test_hybrid_is_version_1_for_kubelet() -> None:
    host = Cgroups.of_host(V1 + UNIFIED)
    assert host.version == 1
    assert host.unified == Path("/sys/fs/cgroup/unified")


def test_missing_controller_of_version_1_is_named() -> None:
    text = "\n".join(line for line in V1.splitlines() if "cpuset" not in line)
    assert Cgroups.of_host(text).missing() == ["cpuset"]


@pytest.fixture
def unified(tmp_path: Path) -> Path:
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory pids rdma")
    (tmp_path / "cgroup.subtree_control").write_text("memory")
    return tmp_path


def test_version_2_hands_controllers_down(unified: Path) -> None:
    host = Cgroups.of_host(f"1 0 0:1 / {unified} rw - cgroup2 cgroup2 rw")
    assert host.version == 2
    assert host.missing() == []
    group = unified / "ssc-7"
    group.mkdir()
    for file in ("cgroup.controllers", "cgroup.subtree_control"):
        (group / file).write_text((unified / file).read_text())
    host.create("ssc-7")
    for folder in (unified, group):
        enabled = (folder / "cgroup.subtree_control").read_text()
        assert enabled == "+cpu +cpuset +io +pids"


def test_version_2_names_what_it_lacks(unified: Path) -> None:
    (unified / "cgroup.controllers").write_text("cpu memory")
    host = Cgroups.of_host(f"1 0 0:1 / {unified} rw - cgroup2 cgroup2 rw")
    assert host.missing() == ["cpuset"]


def test_remove_takes_the_whole_tree_and_says_when_it_cannot(unified: Path) -> None:
    host = Cgroups.of_host(f"1 0 0:1 / {unified} rw - cgroup2 cgroup2 rw")
    (unified / "ssc-1/kubepods/pod1").mkdir(parents=True)
    (unified / "ssc-2/kubepods").mkdir(parents=True)
    (unified / "ssc-2/kubepods/busy").write_text("")  # rmdir refuses, as with a live process
    assert host.named("ssc-") == {"ssc-1", "ssc-2"}
    assert host.remove("ssc-1")
    assert not host.remove("ssc-2", timeout=0)
    assert host.named("ssc-") == {"ssc-2"}
