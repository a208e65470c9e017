"""Real nodes: brought up, side by side, killed at any moment, kept, and gone without a trace."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from host import firewall, wait_for

from conformance.clusters.embedded.cluster import EmbeddedCluster
from conformance.clusters.ownership import inventory
from conformance.clusters.ownership.state import Record, State
from conformance.common.errors import HarnessError
from conformance.common.settings import PROJECT_ROOT, Settings
from conformance.components.builder import Components
from conformance.kube.apply import apply
from conformance.kube.client import Kube
from conformance.kube.conditions import exists, ready
from conformance.kube.objects import Ref
from conformance.kube.wait import wait

OWNER = """
import sys
from pathlib import Path
from conformance.clusters.embedded.cluster import EmbeddedCluster
from conformance.components.builder import Components
from conformance.common.settings import Settings
settings = Settings(cluster_name=sys.argv[2], state_dir=Path(sys.argv[1]))
cluster = EmbeddedCluster(settings, Components(settings))
try:
    cluster.start()
    print("Ready", flush=True)
    sys.stdin.read()
finally:
    cluster.delete()
"""


@pytest.fixture(scope="session")
def components() -> Iterator[Components]:
    made = Components(Settings())
    yield made
    made.close()


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def make(state_dir: Path, components: Components) -> Iterator[Callable[..., EmbeddedCluster]]:
    made: list[EmbeddedCluster] = []

    def make_cluster(name: str = "one", **settings: object) -> EmbeddedCluster:
        chosen = Settings(cluster_name=name, **{"state_dir": state_dir, **settings})
        made.append(EmbeddedCluster(chosen, components))
        return made[-1]

    yield make_cluster
    for cluster in made:
        cluster.delete()


def owner_process(state_dir: Path, name: str = "one") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", OWNER, str(state_dir), name],
        cwd=PROJECT_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def traces(state_dir: Path, record: Record | None) -> dict[str, list[str]]:
    """What of a cluster is on the host, other than its own files."""
    processes = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
            root = str((folder / "root").readlink())
        except OSError:
            continue
        mine = any(str(state_dir) in word for word in words) or str(state_dir) in root
        if mine and words[0] != "rm" and folder.name != str(os.getpid()):
            processes.append(f"{folder.name} {' '.join(words)}")
    mounts = Path("/proc/mounts").read_text(encoding="utf-8").splitlines()
    found = {
        "processes": processes,
        "mounts": [line for line in mounts if str(state_dir) in line],
        "interfaces": [],
        "cgroups": [],
    }
    if record:
        device = Path("/sys/class/net", record.link.host_device)
        found["interfaces"] = [device.name] if device.exists() else []
        groups = Path("/sys/fs/cgroup").glob(f"**/{record.link.cgroup}")
        found["cgroups"] = [str(group) for group in groups]
    return found


NOTHING: dict[str, list[str]] = {"processes": [], "mounts": [], "interfaces": [], "cgroups": []}


def files_left(state_dir: Path) -> list[str]:
    names = [name for _, _, files in os.walk(state_dir) for name in files]
    return [name for name in names if name != "lock"]


def read_groups(pattern: str) -> set[int]:
    """Return the numbers in these files of control groups, whatever their version."""
    return {int(file.read_text()) for file in Path("/sys/fs/cgroup").glob(pattern)}


def kernel_settings() -> list[str]:
    names = ("vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops", "net/ipv4/ip_forward")
    return [Path("/proc/sys", name).read_text() for name in names]


def test_brings_a_node_up_and_leaves_nothing(make: Callable[..., EmbeddedCluster]) -> None:
    before = firewall(), kernel_settings()
    cluster = make()
    cluster.start()
    record = cluster.folder.read()
    nodes = Kube(cluster.kubeconfig).list("v1", "Node")
    assert [node["metadata"]["name"] for node in nodes] == ["one-node"]
    assert cluster.node_run(["cat"], stdin=b"through").stdout == b"through"
    assert cluster.node_run(["hostname"]).stdout == b"one-node\n"
    state_dir = cluster.folder.path.parent.parent
    assert traces(state_dir, record)["cgroups"]
    started = time.monotonic()
    cluster.delete()
    assert time.monotonic() - started < 20
    assert traces(state_dir, record) == NOTHING
    assert (firewall(), kernel_settings()) == before
    cluster.delete()


def test_a_pod_does_not_take_all_that_the_host_has(
    make: Callable[..., EmbeddedCluster], components: Components
) -> None:
    cluster = make()
    cluster.start()
    kube = Kube(cluster.kubeconfig)
    pod = Ref("v1", "Pod", "pause", "kube-public")
    image = components.image_reference("image-pause")
    metadata = {"name": pod.name, "namespace": pod.namespace}
    spec = {"containers": [{"name": "pause", "image": image}]}
    wait(kube, Ref("v1", "ServiceAccount", "default", pod.namespace), exists())
    apply(kube, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    wait(kube, pod, ready())
    record = cluster.folder.read()
    assert record
    pods = f"**/{record.link.cgroup}/kubepods"
    assert read_groups(f"{pods}/**/pod*/pids.max") == {2048}
    [limit] = read_groups(f"{pods}/memory.limit_in_bytes") | read_groups(f"{pods}/memory.max")
    host = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 0.7 * host < limit < 0.8 * host


def test_killed_node_comes_back_with_its_state(make: Callable[..., EmbeddedCluster]) -> None:
    cluster = make()
    cluster.start()
    address = cluster.node_address
    kube = Kube(cluster.kubeconfig)
    data = {"written": "before"}
    apply(
        kube,
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "kept", "namespace": "kube-public"},
            "data": data,
        },
    )
    cluster.kill_node()
    with pytest.raises(HarnessError, match="is not running"):
        cluster.node_run(["true"])
    cluster.restart_node()
    assert cluster.node_address == address
    assert kube.get("v1", "ConfigMap", "kept", "kube-public")["data"] == data


def test_two_clusters_side_by_side(make: Callable[..., EmbeddedCluster]) -> None:
    first, second = make("first"), make("second")
    first.start()
    second.start()
    assert first.node_address != second.node_address
    first.delete()
    assert Kube(second.kubeconfig).version().startswith("v1.")


def test_name_in_use_names_the_process(
    make: Callable[..., EmbeddedCluster], state_dir: Path
) -> None:
    owner = owner_process(state_dir)
    try:
        wait_for((state_dir / "clusters/one/owner.json").exists)
        with pytest.raises(HarnessError, match=f"in use by process {owner.pid}"):
            make().start()
    finally:
        owner.kill()
        owner.communicate()


PHASES = {
    "folder made": "lock",
    "number claimed": "owner.json",
    "PID 1 started": "init.log",
    "disk being written": "disk/etc/kubernetes",
    "etcd started": "disk/var/log/node/etcd.log",
    "kubelet started": "disk/var/log/node/kubelet.log",
    "Ready": None,
}


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT], ids=["SIGKILL", "Ctrl-C"])
def test_ended_owner_leaves_nothing(state_dir: Path, phase: str, end: signal.Signals) -> None:
    before = firewall()
    owner = owner_process(state_dir)
    folder = State(state_dir).folder("one")
    sign = PHASES[phase]
    if sign is None:
        assert owner.stdout
        assert owner.stdout.readline() == "Ready\n"
    else:
        wait_for((folder.path / sign).exists)
    record = folder.read()
    os.kill(owner.pid, end)
    owner.communicate()
    assert owner.returncode != 0
    wait_for(lambda: not traces(state_dir, None)["processes"], 20)
    if end is signal.SIGINT:
        assert not folder.path.exists()
    else:
        assert inventory.sweep(state_dir) == ["one"]
    # A process that was about to begin when the owner was killed has yet to notice.
    wait_for(lambda: traces(state_dir, record) == NOTHING, 20)
    wait_for(lambda: not files_left(state_dir), 30)
    assert firewall() == before


def test_kept_cluster_outlives_its_run_and_is_reused(
    make: Callable[..., EmbeddedCluster], state_dir: Path
) -> None:
    kept = make(keep_cluster=True)
    kept.start()
    assert not kept.reused
    again = make()
    again.start()
    assert again.reused
    assert again.node_address == kept.node_address
    with pytest.raises(HarnessError, match="in use by process"):
        make().start()
    with pytest.raises(HarnessError, match="in use by process"):
        inventory.take_down(state_dir, "one")
    again.kill_node()
    again.restart_node()
    assert [entry.condition for entry in inventory.clusters(state_dir)] == [
        f"kept, in use by process {os.getpid()}"
    ]
    record = again.folder.read()
    again.release()
    inventory.take_down(state_dir, "one")
    assert traces(state_dir, record) == NOTHING
    assert not files_left(state_dir)


def test_killed_holder_takes_its_cluster_with_it(
    make: Callable[..., EmbeddedCluster], state_dir: Path
) -> None:
    cluster = make(keep_cluster=True)
    cluster.start()
    record = cluster.folder.read()
    assert record
    record.owner.kill()
    wait_for(lambda: not traces(state_dir, None)["processes"], 20)
    assert inventory.sweep(state_dir) == ["one"]
    assert traces(state_dir, record) == NOTHING


def test_subnet_that_the_host_uses_is_not_taken(make: Callable[..., EmbeddedCluster]) -> None:
    route = ["10.213.0.0/16", "dev", "lo"]
    subprocess.run(["ip", "route", "add", *route], check=True)
    try:
        cluster = make()
        cluster.start()
        assert cluster.node_address.startswith("198.18.")
    finally:
        subprocess.run(["ip", "route", "delete", *route], check=True)


def test_too_little_disk_is_said_before_anything_starts(
    make: Callable[..., EmbeddedCluster], tmp_path: Path
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", small], check=True)
    try:
        cluster = make(state_dir=small / "state")
        with pytest.raises(HarnessError, match=r"0\.1 GiB free for .*, 3 GiB needed"):
            cluster.start()
        assert not files_left(small)
    finally:
        subprocess.run(["umount", small], check=True)


def test_dead_process_of_the_node_is_explained(
    make: Callable[..., EmbeddedCluster], state_dir: Path
) -> None:
    cluster = make()
    cluster.start()
    cluster.node_run(["sh", "-c", "kill -9 $(pidof etcd)"])
    wait_for(lambda: inventory.clusters(state_dir)[0].condition.startswith("broken; etcd"), 20)
    assert "etcd ended with status -9" in inventory.clusters(state_dir)[0].condition
