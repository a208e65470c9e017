"""A node's way out: taken by node and pods, gone with the node, and no rule of the firewall."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from host import firewall, wait_for

from conformance.clusters.embedded.cluster import EmbeddedCluster
from conformance.common.errors import HarnessError
from conformance.common.settings import Settings
from conformance.components.builder import Components
from conformance.kube.apply import apply
from conformance.kube.client import Kube
from conformance.kube.conditions import exists, phase
from conformance.kube.objects import Object, Ref
from conformance.kube.wait import wait
from conformance.oci.registry import Registry

BUSYBOX = "image-local-path-helper"
READ = "exec 3<>/dev/tcp/{}/{}; cat <&3"


@pytest.fixture(scope="module")
def components() -> Iterator[Components]:
    made = Components(Settings())
    yield made
    made.close()


@pytest.fixture
def make(tmp_path: Path, components: Components) -> Iterator[Callable[..., EmbeddedCluster]]:
    made: list[EmbeddedCluster] = []

    def make_cluster(**settings: object) -> EmbeddedCluster:
        chosen = Settings(cluster_name="out", **{"state_dir": tmp_path / "state", **settings})
        made.append(EmbeddedCluster(chosen, components))
        return made[-1]

    yield make_cluster
    for cluster in made:
        cluster.delete()


def own_address() -> str:
    """Return an address of this host that is not a loopback one: nothing is sent for that."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("198.51.100.1", 9))
        return str(probe.getsockname()[0])


@pytest.fixture
def server() -> Iterator[tuple[str, int]]:
    """A server on this host that tells each client which address it comes from."""
    with socket.create_server((own_address(), 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, (peer, _) = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(f"{peer}\n".encode())

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()


def network_of(cluster: EmbeddedCluster) -> str:
    record = cluster.folder.read()
    assert record is not None
    return str(record.link.containers)


def stacks(network: str) -> list[str]:
    """Return the processes that are the way out of the node with this network."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().decode().split("\0")
        except OSError:
            continue
        if f"--cidr={network}" in words:
            found.append(folder.name)
    return found


def pod(address: str, port: int, components: Components) -> Object:
    container = {
        "name": "client",
        "image": components.image_reference(BUSYBOX),
        "command": ["busybox", "nc", address, str(port)],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "client", "namespace": "default"},
        "spec": {"restartPolicy": "Never", "containers": [container]},
    }


def test_node_and_pods_go_out_as_the_host(
    make: Callable[..., EmbeddedCluster], components: Components, server: tuple[str, int]
) -> None:
    host, port = server
    before = firewall()
    cluster = make(egress=True)
    cluster.start()
    assert firewall() == before
    assert cluster.egress
    read = ["bash", "-c", READ.format(host, port)]
    # A packet that the host forwarded would have the node's own address.
    assert cluster.node_run(read).stdout.decode().strip() == host
    components.require(BUSYBOX)
    registry = Registry(str(cluster.registry))
    registry.push_layout(components.image_layout(BUSYBOX), components.image_reference(BUSYBOX))
    kube = Kube(cluster.kubeconfig)
    wait(kube, Ref("v1", "ServiceAccount", "default", "default"), exists())
    apply(kube, pod(host, port, components))
    wait(kube, Ref("v1", "Pod", "client", "default"), phase("Succeeded", "Failed"))
    wait_for(lambda: kube.logs("default", "client").strip() == host, 10)
    kube.close()


def test_a_killed_node_takes_its_way_out_with_it_and_gets_another(
    make: Callable[..., EmbeddedCluster], server: tuple[str, int]
) -> None:
    host, port = server
    cluster = make(egress=True)
    cluster.start()
    network = network_of(cluster)
    [first] = stacks(network)
    cluster.kill_node()
    wait_for(lambda: not stacks(network), 10)
    cluster.restart_node()
    [second] = stacks(network)
    assert second != first
    read = ["bash", "-c", READ.format(host, port)]
    assert cluster.node_run(read).stdout.decode().strip() == host
    cluster.delete()
    wait_for(lambda: not stacks(network), 10)


def test_without_it_nothing_is_started_and_no_name_server_is_known(
    make: Callable[..., EmbeddedCluster], server: tuple[str, int]
) -> None:
    host, port = server
    cluster = make()
    cluster.start()
    assert stacks(network_of(cluster)) == []
    assert not cluster.egress
    read = ["bash", "-c", f"timeout 3 bash -c '{READ.format(host, port)}'"]
    assert cluster.node_run(read).stdout.decode().strip() != host


def test_a_kept_cluster_without_it_is_not_taken_for_one_with_it(
    make: Callable[..., EmbeddedCluster],
) -> None:
    kept = make(keep_cluster=True)
    kept.start()
    kept.release()
    with pytest.raises(HarnessError, match="was started without a way out"):
        make(keep_cluster=True, egress=True).start()
    again = make(keep_cluster=True)
    again.start()
    assert again.reused
