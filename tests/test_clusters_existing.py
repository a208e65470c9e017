from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from typing import Any

import kube_wire as wire
import pytest
import yaml

from conformance.clusters.base import Feature
from conformance.clusters.embedded.cluster import EmbeddedCluster
from conformance.clusters.existing import ExistingCluster
from conformance.common.errors import HarnessError
from conformance.common.settings import Settings
from conformance.kube.client import Kube
from conformance.platform.occupied import refuse_platform_of_others
from conformance.platform.reference import reference_platform


def kubeconfig(folder: Path, server: str) -> Path:
    names = ("first", "second")
    document: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": server}} for name in names],
        "users": [{"name": name, "user": {"token": "t"}} for name in names],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}} for name in names],
        "current-context": "first",
    }
    path = folder / "config"
    path.write_text(yaml.safe_dump(document))
    return path


@pytest.fixture
def silent_server() -> Any:
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_server_that_does_not_answer_is_named_in_time(tmp_path: Path, silent_server: str) -> None:
    cluster = ExistingCluster(
        Settings(kubeconfig=kubeconfig(tmp_path, silent_server), cache_dir=tmp_path)
    )
    started = time.monotonic()
    with pytest.raises(HarnessError, match=f"{silent_server} does not answer"):
        cluster.start()
    assert time.monotonic() - started < 10


def test_refused_connection_is_named(tmp_path: Path) -> None:
    given = kubeconfig(tmp_path, "http://127.0.0.1:1")
    cluster = ExistingCluster(Settings(kubeconfig=given, cache_dir=tmp_path))
    with pytest.raises(HarnessError, match=r"127\.0\.0\.1:1 does not answer"):
        cluster.start()


def test_chosen_context_is_current_in_a_private_copy(tmp_path: Path) -> None:
    given = kubeconfig(tmp_path, "http://127.0.0.1:1")
    cluster = ExistingCluster(Settings(kubeconfig=given, context="second", cache_dir=tmp_path))
    with pytest.raises(HarnessError):
        cluster.start()
    copy = cluster.kubeconfig
    assert copy.parent != given.parent
    assert yaml.safe_load(copy.read_text())["current-context"] == "second"
    assert copy.stat().st_mode & 0o077 == 0
    cluster.delete()
    assert not copy.exists()
    assert given.exists()


def test_unknown_context_names_the_known_ones(tmp_path: Path) -> None:
    given = kubeconfig(tmp_path, "http://127.0.0.1:1")
    cluster = ExistingCluster(Settings(kubeconfig=given, context="third", cache_dir=tmp_path))
    with pytest.raises(HarnessError, match="no context 'third', but first, second"):
        cluster.start()


@pytest.mark.parametrize("content", [None, "a: [", "just text"])
def test_what_is_no_kubeconfig_says_so(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "config"
    if content:
        path.write_text(content)
    with pytest.raises(HarnessError, match=str(path)):
        ExistingCluster(Settings(kubeconfig=path))


def test_offers_nothing_that_only_its_host_could_do(tmp_path: Path) -> None:
    cluster = ExistingCluster(Settings(kubeconfig=kubeconfig(tmp_path, "http://127.0.0.1:1")))
    assert Feature.NODE_SHELL not in cluster.features
    for act in (cluster.kill_node, cluster.restart_node, lambda: cluster.node_run(["true"])):
        with pytest.raises(HarnessError, match="on an existing cluster the suite cannot"):
            act()


def test_not_root_is_said_first(tmp_path: Path) -> None:
    settings = Settings(cluster="embedded", state_dir=tmp_path / "state")
    cluster = EmbeddedCluster(settings, components=None)  # type: ignore[arg-type]
    before = os.geteuid()
    try:
        if before == 0:
            os.seteuid(65534)
        with pytest.raises(HarnessError, match="root: user"):
            cluster.start()
    finally:
        os.seteuid(before)
    assert not (tmp_path / "state").exists()


@pytest.fixture
def server(server: wire.WireServer) -> wire.WireServer:
    def version(handler: wire.Handler) -> bool:
        if handler.where == "/version":
            handler.answer({"gitVersion": "v1.36.3"})
        return handler.where == "/version"

    server.objects["nodes"] = []
    server.kinds["v1"].append(("nodes", "Node", False))
    server.intercept = version
    return server


def namespaces(*names: str) -> list[dict[str, Any]]:
    return [{"metadata": {"name": name}} for name in ("default", "kube-system", *names)]


def existing(folder: Path, server: wire.WireServer) -> ExistingCluster:
    given = server.kubeconfig(folder)
    return ExistingCluster(Settings(kubeconfig=given, cache_dir=folder / "cache"))


def refuse(folder: Path, server: wire.WireServer) -> None:
    kube = Kube(server.kubeconfig(folder))
    try:
        refuse_platform_of_others("theirs", kube, reference_platform("stackspin.test"))
    finally:
        kube.close()


@pytest.mark.parametrize("namespace", ["flux-system", "stackspin", "stackspin-apps", "velero"])
def test_a_stackspin_of_somebody_else_is_not_replaced(
    tmp_path: Path, server: wire.WireServer, namespace: str
) -> None:
    server.objects["namespaces"] = namespaces(namespace)
    expected = f"cluster theirs is in use: this suite did not create {namespace}"
    with pytest.raises(HarnessError, match=expected):
        refuse(tmp_path, server)
    assert {method for method, _ in server.requests} == {"GET"}


@pytest.mark.parametrize("found", [(), ("flux-system", "stackspin", "stackspin-conformance")])
def test_an_empty_cluster_and_one_of_an_earlier_run_are_taken(
    tmp_path: Path, server: wire.WireServer, found: tuple[str, ...]
) -> None:
    server.objects["namespaces"] = namespaces(*found)
    refuse(tmp_path, server)


def test_a_cluster_is_left_as_it_was(tmp_path: Path, server: wire.WireServer) -> None:
    cluster = existing(tmp_path, server)
    cluster.start()
    assert cluster.registry is None
    cluster.delete()
    assert {method for method, _ in server.requests} == {"GET"}
    assert list((tmp_path / "cache" / "kubeconfigs").iterdir()) == [
        tmp_path / "cache" / "kubeconfigs" / "sweep.lock"
    ]
