"""What a failed check leaves: complete, readable, without secrets, whatever the API refuses."""

from __future__ import annotations

import base64
from pathlib import Path

import kube_wire as wire
import pytest
import yaml

from conformance.kube.client import Kube
from conformance.kube.diagnostics import collect

PLANTED = "planted-secret"


@pytest.fixture
def server(server: wire.WireServer) -> wire.WireServer:
    container = {
        "name": "app",
        "ready": False,
        "restartCount": 3,
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": f"with {PLANTED}"}},
        "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}},
    }
    failing = wire.pod(containerStatuses=[container])
    failing["metadata"]["managedFields"] = [{"manager": "kubelet"}]
    failing["spec"] = {"containers": [{"env": [{"name": "PASSWORD", "value": PLANTED}]}]}
    healthy = wire.pod("fine", ready="True", phase="Running")
    data = {"password": base64.b64encode(PLANTED.encode()).decode()}
    about = {"kind": "Pod", "name": "web"}
    events = [
        {
            "metadata": {"name": name},
            "involvedObject": about,
            "reason": name,
            "lastTimestamp": f"2026-11-23T21:00:0{second}Z",
        }
        for name, second in (("Later", 5), ("Earlier", 1))
    ]
    server.objects |= {
        "pods": [failing, healthy],
        "secrets": [{"metadata": {"name": "s", "namespace": "n"}, "data": data}],
        "events": events,
        "namespaces": [{"metadata": {"name": "n"}, "status": {"phase": "Active"}}],
    }
    server.logs["web"] = f"password is {PLANTED}\n"
    return server


def test_collects_what_a_reader_needs_and_no_secret(kube: Kube, tmp_path: Path):
    folder = tmp_path / "out"
    files = collect(kube, ["n"], folder)
    assert sorted(str(file.relative_to(folder)) for file in files) == [
        "cluster/objects.yaml",
        "n/events.txt",
        "n/logs/web-app-previous.log",
        "n/objects.yaml",
        "summary.txt",
    ]
    everything = "".join(file.read_text() for file in files)
    assert PLANTED not in everything
    assert base64.b64encode(PLANTED.encode()).decode() not in everything
    objects = list(yaml.safe_load_all((folder / "n/objects.yaml").read_text()))
    assert {item["kind"] for item in objects} == {"Pod", "Secret"}
    assert "managedFields" not in everything
    events = (folder / "n/events.txt").read_text()
    assert events.index("Earlier") < events.index("Later")
    summary = (folder / "summary.txt").read_text()
    assert "namespace n: 3 objects, 1 not as they should be" in summary
    assert "container app: waiting: CrashLoopBackOff (with ***), restarted 3 times" in summary


def test_an_error_in_one_kind_does_not_stop_the_rest(
    server: wire.WireServer, kube: Kube, tmp_path: Path
):
    def refuse(handler: wire.Handler) -> bool:
        if handler.where.endswith(("/configmaps", "/log", "/apps/v1")):
            handler.fail(500, "InternalError", "etcd is slow today")
            return True
        return False

    server.intercept = refuse
    collect(kube, ["n"], tmp_path / "out")
    summary = (tmp_path / "out/summary.txt").read_text()
    assert "Pod web in n: not Ready" in summary
    for what in ("ConfigMap (v1) in n", "log of web app-previous", "kinds of apps/v1"):
        assert f"{what}: " in summary
    assert "etcd is slow today" in summary


def test_a_cluster_that_is_gone_is_said_not_raised(
    server: wire.WireServer, kube: Kube, tmp_path: Path
):
    server.close()
    files = collect(kube, ["n"], tmp_path / "out")
    assert [file.name for file in files] == ["summary.txt"]
    assert "does not answer" in files[0].read_text()
