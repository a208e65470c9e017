"""What checks read that others write: each comes late here, after the first look."""

from __future__ import annotations

import contextlib
import threading
from types import SimpleNamespace
from typing import Any

import kube_wire as wire
import pytest

from conformance.capabilities.backup_restore.faults import GIVEN_UP, Victim
from conformance.capabilities.persistent_storage.claims import ClaimedBytes
from conformance.capabilities.single_sign_on import enforcement
from conformance.kube.client import Kube
from conformance.kube.objects import Selection
from conformance.suite import patched_source
from conformance.suite.patched_source import DASHBOARD

HASH = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

NODE_AGENT = Selection("v1", "Pod", "velero", "role=node-agent")
VELERO: Any = SimpleNamespace(
    namespace="velero",
    location="default",
    server=Selection("v1", "Pod", "velero", "app.kubernetes.io/name=velero"),
    location_is=lambda *_: None,
)


def logs_late(server: wire.WireServer, pod: str, line: str) -> None:
    """Let a pod's log be empty for whoever only reads it, and have a line for who follows it."""

    def serve(handler: wire.Handler) -> bool:
        if not handler.where.endswith(f"/pods/{pod}/log"):
            return False
        handler.answer_text(200, f"{line}\n" if handler.query.get("follow") else "")
        return True

    server.intercept = serve


def test_the_hash_of_what_a_pod_wrote_is_waited_for(server: wire.WireServer, kube: Kube) -> None:
    logs_late(server, "writer", f"{HASH}  -")
    assert ClaimedBytes(kube, None, "n").written() == HASH  # type: ignore[arg-type]


def test_the_store_is_back_when_a_piece_was_given_up_by_the_pod_that_copies_now(
    server: wire.WireServer, kube: Kube, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pod of the backup before is there still, on its way out."""
    earlier, present = wire.pod("earlier", phase="Running"), wire.pod("present", phase="Running")
    earlier["metadata"]["deletionTimestamp"] = "2026-11-25T13:00:00Z"
    server.objects["pods"] = [earlier, present]
    logs_late(server, "present", f"error: {GIVEN_UP}")

    def leave() -> None:
        assert server.watched.wait(20)
        server.watches.put(wire.event("DELETED", earlier))

    monkeypatch.setattr(Victim, "store_down", contextlib.nullcontext)
    threading.Thread(target=leave, daemon=True).start()
    deployment: Any = SimpleNamespace(kube=kube)
    Victim(deployment, VELERO, NODE_AGENT, None, None).faults["store-down"]()  # type: ignore[arg-type]
    assert not any("earlier" in path for _, path in server.requests)


def test_velero_and_its_agents_are_back_when_their_pods_are(
    server: wire.WireServer, kube: Kube
) -> None:
    """A Deployment whose only pod was killed goes on calling itself rolled out for a moment."""
    status = {
        "observedGeneration": 1,
        **dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas"), 1),
        **dict.fromkeys(("desiredNumberScheduled", "updatedNumberScheduled", "numberAvailable"), 1),
    }
    for kind, name in (("deployments", "velero"), ("daemonsets", "node-agent")):
        metadata = {"name": name, "namespace": "velero", "generation": 1}
        server.objects[kind] = [{"metadata": metadata, "spec": {}, "status": status}]
    server.objects["pods"] = [wire.pod("velero-2")]

    def come() -> None:
        assert server.watched.wait(20)
        server.objects["pods"] = [wire.pod("velero-2", ready="True")]
        for _ in range(2):  # both waits list again
            server.watches.put(wire.END)

    threading.Thread(target=come, daemon=True).start()
    deployment: Any = SimpleNamespace(kube=kube)
    Victim(deployment, VELERO, NODE_AGENT, None, None)._wait_for_parts()  # type: ignore[arg-type]
    assert server.watched.is_set(), "the status from before was believed"


def test_a_network_that_enforces_a_policy_late_enforces_it(
    kube: Kube, server: wire.WireServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {"open": [True], "closed": [True, True, False]}
    server.objects["pods"] = [
        wire.pod(name, ready="True", phase="Running", podIP=name) for name in answers
    ]
    monkeypatch.setattr(enforcement, "apply_file", lambda *_, **__: [])
    app_sessions: Any = SimpleNamespace(
        pod=lambda _: {"spec": {"containers": [{"image": "x"}]}},
        reaches=lambda _, host, **__: answers[host].pop(0),
    )
    assert enforcement.enforces_policies(app_sessions, kube, "n")


def test_a_patched_service_answers_when_the_pod_before_it_is_gone(
    server: wire.WireServer, kube: Kube
) -> None:
    selector = {"matchLabels": {"app": "dashboard"}}
    status = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
    metadata = {"name": "dashboard", "namespace": "stackspin", "generation": 1}
    spec = {"replicas": 1, "selector": selector}
    server.objects["deployments"] = [{"metadata": metadata, "spec": spec, "status": status}]
    leaving = wire.pod("old", ready="True")
    leaving["metadata"]["deletionTimestamp"] = "2026-11-25T13:00:00Z"
    server.objects["pods"] = [leaving, wire.pod("new", ready="True")]

    def leave() -> None:
        assert server.watched.wait(20)
        left.append("old")
        server.watches.put(wire.event("DELETED", leaving))

    left: list[str] = []
    threading.Thread(target=leave, daemon=True).start()
    patched_source._run_as(kube, DASHBOARD, containers=[])
    assert left == ["old"]
