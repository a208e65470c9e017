"""A kind node on a private Docker engine: up, killed, restarted, and gone without a trace."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import host
import pytest

from conformance.clusters.kind import private_engine
from conformance.clusters.kind.cluster import KindCluster
from conformance.clusters.ownership import inventory
from conformance.clusters.ownership.ownership import Ownership
from conformance.clusters.ownership.state import Record, State
from conformance.common.errors import HarnessError
from conformance.common.settings import PROJECT_ROOT, Settings
from conformance.components.builder import Components
from conformance.kube.client import Kube
from conformance.kube.conditions import exists, ready
from conformance.kube.objects import Ref
from conformance.kube.wait import wait
from conformance.oci.registry import Registry

OWNER = """
import sys
from pathlib import Path
from conformance.clusters.kind.cluster import KindCluster
from conformance.components.builder import Components
from conformance.common.settings import Settings
settings = Settings(docker="start", cluster_name="one", state_dir=Path(sys.argv[1]))
KindCluster(settings, Components(settings)).start()
print("Ready", flush=True)
sys.stdin.read()
"""
HELPER = "image-local-path-helper"


@pytest.fixture(scope="module")
def components() -> Iterator[Components]:
    made = Components(Settings())
    yield made
    made.close()


def traces(state_dir: Path, record: Record) -> list[str]:
    """What of a cluster is on the host, other than its own files."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            root = str((folder / "root").readlink())
        except OSError:
            continue
        if str(state_dir) in root:
            found.append(f"process {folder.name}")
    mounts = Path("/proc/mounts").read_text(encoding="utf-8").splitlines()
    found += [line for line in mounts if str(state_dir) in line]
    found += map(str, Path("/sys/class/net").glob(record.link.host_device))
    found += map(str, Path("/sys/fs/cgroup").glob(f"**/{record.link.cgroup}"))
    routes = subprocess.run(["ip", "route"], capture_output=True, text=True, check=True).stdout
    prefix = str(record.link.block.network_address).removesuffix("0")
    return found + [line for line in routes.splitlines() if prefix in line]


def pod(components: Components, name: str) -> dict[str, object]:
    container = {
        "name": "main",
        "image": components.image_reference(HELPER),
        "command": ["sleep", "3600"],
    }
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def test_a_node_runs_pods_comes_back_after_sigkill_and_leaves_nothing(
    tmp_path: Path, components: Components
) -> None:
    before = host.firewall()
    settings = Settings(docker="start", cluster_name="one", state_dir=tmp_path)
    cluster = KindCluster(settings, components)
    try:
        cluster.start()
        record = State(tmp_path).folder("one").read()
        assert record
        assert traces(tmp_path, record)
        assert cluster.node_image.startswith("stackspin-conformance/kind-node:")
        assert cluster.node_run(["cat"], stdin=b"through").stdout == b"through"
        assert cluster.registry
        layout, reference = components.image_layout(HELPER), components.image_reference(HELPER)
        Registry(cluster.registry).push_layout(layout, reference)
        kube = Kube(cluster.kubeconfig)
        assert not kube.list("storage.k8s.io/v1", "StorageClass")
        wait(kube, Ref("v1", "ServiceAccount", "default", "default"), exists(), timeout=30)
        kube.create(pod(components, "before"))
        wait(kube, Ref("v1", "Pod", "before", "default"), ready())
        cluster.kill_node()
        assert cluster.node_run(["true"]).returncode != 0
        cluster.restart_node()
        kube.create(pod(components, "after"))
        wait(kube, Ref("v1", "Pod", "after", "default"), ready())
        logs = tmp_path / "logs"
        cluster.export_logs(logs)
        assert list(logs.rglob("kubelet.log"))
    finally:
        cluster.delete()
    assert traces(tmp_path, record) == []
    assert host.firewall() == before
    assert not Path(".pytest-kind").exists()


def root_file_systems(folder: Path) -> list[str]:
    """Return the nodes' root file systems under a folder whose trash is being emptied meanwhile."""
    walk = os.walk(folder)  # unlike rglob, it takes what vanishes under it for empty
    return [name for _, names, _ in walk for name in names if name.startswith("rootfs")]


def test_a_killed_owner_takes_node_and_engine_with_it(tmp_path: Path) -> None:
    before = host.firewall()
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path)],
        cwd=PROJECT_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert owner.stdout
    assert owner.stdout.readline() == "Ready\n"
    record = State(tmp_path).folder("one").read()
    assert record
    owner.kill()
    owner.communicate()
    host.wait_for(lambda: not [t for t in traces(tmp_path, record) if t.startswith("process")], 20)
    assert inventory.sweep(tmp_path) == ["one"]
    assert traces(tmp_path, record) == []
    assert host.firewall() == before
    host.wait_for(lambda: not root_file_systems(tmp_path), 30)


def test_an_engine_that_does_not_come_up_is_explained(
    tmp_path: Path, components: Components, monkeypatch: pytest.MonkeyPatch
) -> None:
    components.require(private_engine.PART)
    ownership = Ownership(tmp_path, "one", "kind")
    engine = private_engine.PrivateEngine(ownership, components)
    try:
        ownership.found()
        engine.start()
        ownership.clear_for_restart()
        hangs = "#!/bin/sh\necho waiting for a lock; exec sleep 600\n"
        (ownership.folder.disk / "usr/sbin/dockerd").write_text(hangs)
        (ownership.folder.disk / "docker.sock").unlink()
        monkeypatch.setattr(private_engine, "READY_SECONDS", 2.0)
        with pytest.raises(HarnessError, match=r"(?s)did not start within 2 s.*waiting for a lock"):
            engine.restart()
    finally:
        ownership.delete()
