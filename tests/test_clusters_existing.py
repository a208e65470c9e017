from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from conformance.clusters.base import Feature
from conformance.clusters.embedded.cluster import EmbeddedCluster
from conformance.clusters.existing import ExistingCluster
from conformance.errors import HarnessError
from conformance.settings import Settings


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
    cluster = ExistingCluster(Settings(kubeconfig=kubeconfig(tmp_path, silent_server)))
    started = time.monotonic()
    with pytest.raises(HarnessError, match=f"{silent_server} does not answer"):
        cluster.start()
    assert time.monotonic() - started < 10


def test_refused_connection_is_named(tmp_path: Path) -> None:
    cluster = ExistingCluster(Settings(kubeconfig=kubeconfig(tmp_path, "http://127.0.0.1:1")))
    with pytest.raises(HarnessError, match=r"127\.0\.0\.1:1 does not answer"):
        cluster.start()


def test_chosen_context_is_current_in_a_private_copy(tmp_path: Path) -> None:
    given = kubeconfig(tmp_path, "http://127.0.0.1:1")
    cluster = ExistingCluster(Settings(kubeconfig=given, context="second"))
    with pytest.raises(HarnessError):
        cluster.start()
    copy = cluster.kubeconfig
    assert copy != given
    assert yaml.safe_load(copy.read_text())["current-context"] == "second"
    assert copy.stat().st_mode & 0o077 == 0
    cluster.delete()
    assert not copy.exists()
    assert given.exists()


def test_unknown_context_names_the_known_ones(tmp_path: Path) -> None:
    given = kubeconfig(tmp_path, "http://127.0.0.1:1")
    cluster = ExistingCluster(Settings(kubeconfig=given, context="third"))
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
        with pytest.raises(HarnessError, match="an existing cluster gives no way"):
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
