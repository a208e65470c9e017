"""Requests: errors that say what to do, retries where they are harmless, order of applying."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import kube_wire as wire
import pytest

from conformance.common.errors import HarnessError
from conformance.kube.apply import apply, apply_file
from conformance.kube.client import Kube
from conformance.kube.errors import Conflict, Forbidden, Invalid, NotFound, UnknownKind, Unreachable

CRD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.example.test"},
    "spec": {
        "group": "example.test",
        "names": {"kind": "Widget"},
        "versions": [{"name": "v1"}],
    },
}
WIDGET = {"apiVersion": "example.test/v1", "kind": "Widget", "metadata": {"name": "w"}}


@pytest.fixture
def server(server: wire.WireServer) -> wire.WireServer:
    server.objects["pods"] = [wire.pod()]
    server.kinds["apiextensions.k8s.io/v1"] = [
        ("customresourcedefinitions", "CustomResourceDefinition", False)
    ]
    return server


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, Forbidden), (403, Forbidden), (404, NotFound), (409, Conflict), (422, Invalid)],
)
def test_errors_have_a_type_and_the_servers_words(
    server: wire.WireServer, kube: Kube, status: int, kind: type[Exception]
):
    def refuse(handler: wire.Handler) -> bool:
        if handler.where.endswith("/web"):
            handler.fail(status, "Because", "spec.replicas: must be positive")
            return True
        return False

    server.intercept = refuse
    with pytest.raises(kind, match=r"spec\.replicas: must be positive"):
        kube.get("v1", "Pod", "web", "n")


def test_a_kind_nobody_serves_is_named(kube: Kube):
    with pytest.raises(UnknownKind, match=r"no kind Widget in example\.test/v1; is its CRD"):
        kube.get("example.test/v1", "Widget", "w", "n")
    assert kube.find("example.test/v1", "Widget", "w", "n") is None


def test_a_namespaced_object_needs_its_namespace(kube: Kube):
    with pytest.raises(ValueError, match="Pod web needs a namespace"):
        kube.get("v1", "Pod", "web")


def test_discovery_asks_once_and_again_only_for_what_it_does_not_know(
    server: wire.WireServer, kube: Kube
):
    for _ in range(3):
        assert kube.list("v1", "Pod", "n")[0]["kind"] == "Pod"
    assert server.requests.count(("GET", "/api/v1")) == 1
    server.kinds["v1"].append(("widgets", "Widget", True))
    assert kube.list("v1", "Widget", "n") == []
    assert server.requests.count(("GET", "/api/v1")) == 2


def test_unreachable_and_unusable_kubeconfigs_say_what_to_do(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    path = wire.write_kubeconfig(tmp_path, port)
    with pytest.raises(Unreachable, match=f"127.0.0.1:{port} does not answer.*\n  To do: Check"):
        Kube(path).version()
    with pytest.raises(HarnessError, match="with context nope"):
        Kube(path, "nope")
    bad_authority = (
        path.read_text()
        .replace("http:", "https:")
        .replace('"server"', '"certificate-authority-data": "bm90IGEgY2VydGlmaWNhdGU=", "server"')
    )
    for text in ("clusters: [", "[]", "clusters: 3", "\0", bad_authority):
        path.write_text(text)
        with pytest.raises(HarnessError, match=r"cannot be used: .*\S"):
            Kube(path)


def test_a_kept_alive_connection_that_died_is_replaced(server: wire.WireServer, kube: Kube):
    died: list[str] = []

    def die_once(handler: wire.Handler) -> bool:
        if handler.command == "PATCH" and not died:
            died.append(handler.where)
            handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True
            return True
        return False

    server.intercept = die_once
    item = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}
    assert apply(kube, item, namespace="n") == [item]
    assert died == ["/api/v1/namespaces/n/configmaps/x"]


def test_creating_is_not_repeated(server: wire.WireServer, kube: Kube):
    def die(handler: wire.Handler) -> bool:
        if handler.command == "POST":
            handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True
            return True
        return False

    server.intercept = die
    with pytest.raises(Unreachable):
        kube.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "n"}})
    assert sum(method == "POST" for method, _ in server.requests) == 1


def test_too_many_requests_is_obeyed(server: wire.WireServer, kube: Kube):
    asked: list[float] = []

    def busy(handler: wire.Handler) -> bool:
        if handler.where.endswith("/web"):
            asked.append(time.monotonic())
            if len(asked) == 1:
                handler.fail(429, "TooManyRequests", "slow down", Retry_After="0.3")
            else:
                handler.answer(wire.pod())
            return True
        return False

    server.intercept = busy
    kube.get("v1", "Pod", "web", "n")
    assert asked[1] - asked[0] >= 0.3


def test_apply_puts_namespaces_and_crds_first_and_waits_until_they_are_served(
    server: wire.WireServer, kube: Kube
):
    established = {"type": "Established", "status": "True"}
    crd = CRD | {"status": {"conditions": [established]}}

    def serve_when_applied(handler: wire.Handler) -> bool:
        if handler.command == "PATCH" and handler.where.endswith("/widgets.example.test"):
            server.objects["customresourcedefinitions"] = [crd]
        if handler.where.endswith("/customresourcedefinitions"):  # Established before served
            server.kinds["example.test/v1"] = [("widgets", "Widget", True)]
        return False

    server.intercept = serve_when_applied
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}}
    together = {"kind": "List", "items": [WIDGET, CRD]}
    results = apply(kube, together, namespace, namespace="n")
    kinds = ["Namespace", "CustomResourceDefinition", "Widget"]
    assert [item["kind"] for item in results] == kinds
    with pytest.raises(UnknownKind):
        apply(kube, WIDGET | {"kind": "Gadget"}, namespace="n")


def test_apply_file_fills_in_variables_and_refuses_a_missing_one(
    server: wire.WireServer, kube: Kube, tmp_path: Path
):
    path = tmp_path / "x.yaml"
    path.write_text(
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: $name}\ndata: {price: $$5}\n---\n"
    )
    apply_file(kube, path, name="a", namespace="n")
    assert server.requests[-1] == ("PATCH", "/api/v1/namespaces/n/configmaps/a")
    assert server.bodies[-1]["data"] == {"price": "$5"}
    with pytest.raises(KeyError, match="name"):
        apply_file(kube, path, namespace="n")
