from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from typing import Any

import kube_wire as wire
import pytest
import yaml

from conformance.clusters import existing as existing_cluster
from conformance.clusters import service_account
from conformance.clusters.base import Feature
from conformance.clusters.embedded.cluster import EmbeddedCluster
from conformance.clusters.existing import ExistingCluster
from conformance.common.errors import HarnessError
from conformance.common.settings import Settings
from conformance.kube.client import Kube
from conformance.platform.installed.given import opened
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


def test_the_advice_names_the_users_own_kubeconfig(tmp_path: Path) -> None:
    given = kubeconfig(tmp_path, "http://127.0.0.1:1")
    settings = Settings(kubeconfig=given, context="second", cache_dir=tmp_path)
    with pytest.raises(HarnessError) as at_start:
        ExistingCluster(settings).start()
    with pytest.raises(HarnessError) as of_a_command, opened(settings) as (_, kube):
        kube.version()
    for refused in (at_start, of_a_command):
        assert f"the cluster of {given} (context second) is running" in refused.value.fix


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


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        (None, "No such file"),
        (b"a: [", "line 1: not valid YAML"),
        (b"just text", "no clusters"),
        (b"a: 2026-99-99", "no clusters"),
        (b"a: !!timestamp x", "no clusters"),
        (b"a: !!bool x", "no clusters"),
        (b"[" * 3000 + b"]" * 3000, "line 1: nested more than 100 levels"),
        (b"clusters: []\nextensions: " + b"[" * 400 + b"]" * 400, "line 2: nested more than 100"),
        (b"\xff", "not UTF-8"),
        (b"clusters: []\n---\nclusters: []", "more than one document"),
        (b"clusters: 1", "its clusters are not a list"),
        (b"clusters: []\ncontexts: [1]", "its contexts are not a list"),
        (b"clusters: []\nusers: [{name: a, user: b}]", "its users are not a list"),
    ],
)
def test_what_is_no_kubeconfig_says_so(tmp_path: Path, content: bytes | None, wrong: str) -> None:
    path = tmp_path / "config"
    if content:
        path.write_bytes(content)
    with pytest.raises(HarnessError, match=f"{path}.*{wrong}.*\n  To do: "):
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


@pytest.fixture
def in_pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with the credentials of the pod that this is."""
    folder = tmp_path / "serviceaccount"
    folder.mkdir()
    (folder / "token").write_text("first")
    monkeypatch.setattr(service_account, "FOLDER", folder)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    return folder


def test_in_a_pod_its_service_account_takes_the_place_of_a_kubeconfig(
    tmp_path: Path, in_pod: Path
) -> None:
    cluster = ExistingCluster(Settings(cache_dir=tmp_path / "cache"))
    assert cluster.name == "in-cluster"
    made = yaml.safe_load(cluster.copy_kubeconfig().read_text())
    [where], [who] = made["clusters"], made["users"]
    assert where["cluster"] == {
        "server": "https://10.96.0.1:443",
        "certificate-authority": str(in_pod / "ca.crt"),
    }
    assert who["user"] == {"tokenFile": str(in_pod / "token")}
    cluster.delete()


def test_an_address_of_ipv6_is_written_as_one(
    in_pod: Path,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    made = service_account.kubeconfig()
    assert made is not None
    assert made["clusters"][0]["cluster"]["server"] == "https://[fd00::1]:443"


def test_a_kubeconfig_comes_before_the_service_account(
    tmp_path: Path,
    in_pod: Path,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path, "http://127.0.0.1:1")))
    assert ExistingCluster(Settings(cache_dir=tmp_path)).name == "first"


def test_a_kubeconfig_that_is_named_and_missing_is_an_error_in_a_pod_too(
    tmp_path: Path,
    in_pod: Path,  # noqa: ARG001
) -> None:
    with pytest.raises(HarnessError, match="cannot read the kubeconfig"):
        ExistingCluster(Settings(kubeconfig=tmp_path / "missing", cache_dir=tmp_path))


def test_a_pod_uses_the_name_that_the_registry_has_in_the_cluster(
    tmp_path: Path,
    server: wire.WireServer,
    in_pod: Path,  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = 'host: "localhost:5000"\nhostFromClusterNetwork: "registry:5000"\n'
    version = server.intercept

    def hint(handler: wire.Handler) -> bool:
        if handler.where.endswith("/configmaps/local-registry-hosting"):
            handler.answer({"data": {"localRegistryHosting.v1": text}})
            return True
        return version(handler)

    server.intercept = hint
    asked: list[str] = []
    monkeypatch.setattr(
        existing_cluster.requests, "get", lambda url, **_: asked.append(url) or Answer()
    )
    outside = existing(tmp_path, server)
    inside = ExistingCluster(Settings(cache_dir=tmp_path / "pod"))
    monkeypatch.setattr(inside, "copy_kubeconfig", lambda: server.kubeconfig(tmp_path))
    for cluster in (outside, inside):
        cluster.start()
    assert (outside.registry, inside.registry) == ("localhost:5000", "registry:5000")
    assert asked == ["http://localhost:5000/v2/", "http://registry:5000/v2/"]


class Answer:
    ok = True


def test_a_token_in_a_file_is_read_for_each_request(
    tmp_path: Path, server: wire.WireServer, in_pod: Path
) -> None:
    sent: list[str | None] = []

    def version(handler: wire.Handler) -> bool:
        sent.append(handler.headers.get("Authorization"))
        handler.answer({"gitVersion": "v1.36.3"})
        return True

    server.intercept = version
    path = server.kubeconfig(tmp_path)
    document = yaml.safe_load(path.read_text())
    document["users"][0]["user"] = {"tokenFile": "serviceaccount/token"}
    path.write_text(yaml.safe_dump(document))
    kube = Kube(path)
    kube.version()
    (in_pod / "token").write_text("second\n")
    kube.version()
    kube.close()
    assert sent == ["Bearer first", "Bearer second"]
