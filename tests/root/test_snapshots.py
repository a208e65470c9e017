"""Snapshots of real nodes: forked side by side, killed while they are made, gone afterwards."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from host import wait_for

from conformance.clusters.embedded.cluster import EmbeddedCluster
from conformance.clusters.ownership import inventory
from conformance.clusters.snapshots.store import SnapshotStore
from conformance.common.settings import PROJECT_ROOT, Settings
from conformance.components.builder import Components
from conformance.kube.client import Kube
from conformance.kube.conditions import matching
from conformance.kube.objects import Ref
from conformance.kube.wait import wait

KEY = "a" * 64
MAKER = """
import sys
from pathlib import Path
from conformance.clusters.embedded.cluster import EmbeddedCluster
from conformance.clusters.snapshots.store import SnapshotStore
from conformance.common.settings import Settings
from conformance.components.builder import Components
settings = Settings(cluster_name="one", state_dir=Path(sys.argv[1]))
cluster = EmbeddedCluster(settings, Components(settings))
cluster.start()
print("Ready", flush=True)
cluster.become_snapshot(SnapshotStore(Path(sys.argv[2])), "cluster", sys.argv[3])
"""
Make = Callable[[str], EmbeddedCluster]


@pytest.fixture(scope="session")
def components() -> Iterator[Components]:
    made = Components(Settings())
    yield made
    made.close()


@pytest.fixture
def make(tmp_path: Path, components: Components) -> Iterator[Make]:
    made: list[EmbeddedCluster] = []

    def make_cluster(name: str) -> EmbeddedCluster:
        chosen = Settings(cluster_name=name, state_dir=tmp_path / "state")
        made.append(EmbeddedCluster(chosen, components))
        return made[-1]

    yield make_cluster
    for cluster in made:
        cluster.delete()


@pytest.fixture
def store(tmp_path: Path) -> SnapshotStore:
    return SnapshotStore(tmp_path)


@pytest.fixture
def made(make: Make, store: SnapshotStore) -> str:
    """The address of the node that a snapshot was made of, with a ConfigMap."""
    cluster = make("one")
    cluster.start()
    address = cluster.node_address
    kube = Kube(cluster.kubeconfig)
    metadata = {"name": "kept", "namespace": "default"}
    kube.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    kube.close()
    cluster.become_snapshot(store, "cluster", KEY)
    cluster.delete()
    return address


def test_forks_run_side_by_side_each_with_an_address_of_its_own(
    made: str, make: Make, store: SnapshotStore, tmp_path: Path
) -> None:
    blocker = make("blocker")  # has the address of the first, if that was the lowest
    blocker.start()
    forks = [make("two"), make("three")]
    for fork in forks:
        fork.start(store.find("cluster", KEY))
    assert len({made, *(fork.node_address for fork in forks)}) == 3
    assert store.prune(-1) == []  # they use it
    ids = set()
    for fork in forks:
        kube = Kube(fork.kubeconfig)
        kube.get("v1", "ConfigMap", "kept", "default")
        [node] = kube.list("v1", "Node")
        assert node["metadata"]["name"] == "one-node"
        assert {"type": "InternalIP", "address": fork.node_address} in node["status"]["addresses"]
        mine = matching(
            "only its own address",
            lambda item, fork=fork: (
                [one["addresses"] for one in item["endpoints"]] == [[fork.node_address]]
            ),
        )
        wait(kube, Ref("discovery.k8s.io/v1", "EndpointSlice", "kubernetes", "default"), mine)
        hint = kube.get("v1", "ConfigMap", "local-registry-hosting", "kube-public")
        assert str(fork.registry) in hint["data"]["localRegistryHosting.v1"]
        ids.add(fork.node_run(["cat", "/etc/machine-id"]).stdout)
        kube.close()
    assert len(ids) == 2
    forks[0].kill_node()
    forks[0].restart_node()
    for fork in forks:
        fork.delete()
    assert len(store.prune(-1)) == 1
    assert list((tmp_path / "snapshots").iterdir()) == []


@pytest.mark.parametrize("part", ["disk", "layers", "files.json"])
def test_a_maker_that_is_killed_leaves_no_snapshot(
    part: str, store: SnapshotStore, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", MAKER, str(tmp_path / "state"), str(tmp_path), KEY],
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
    )
    with process:
        wait_for(lambda: list(tmp_path.glob(f"snapshots/*/{part}")), seconds=120)
        process.kill()
    if not list(tmp_path.glob("snapshots/*/manifest.json")):  # killed a moment too late
        assert store.find("cluster", KEY) is None
        store.sweep()
        assert list((tmp_path / "snapshots").iterdir()) == []
    inventory.sweep(tmp_path / "state")
    assert inventory.clusters(tmp_path / "state") == []
