"""Conditions are about the present: an old status, generation or request satisfies none."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.kube.conditions import condition_false, ready, reconciled, rolled_out
from conformance.kube.describe import status_lines

REVISION = "main@sha1:abc123"


def flux(kind: str = "Kustomization", generation: int = 2, **status: Any) -> dict[str, Any]:
    return {
        "kind": kind,
        "metadata": {"name": "x", "generation": generation},
        "status": {
            "observedGeneration": 2,
            "lastHandledReconcileAt": "r1",
            "lastAppliedRevision": REVISION,
            "conditions": [{"type": "Ready", "status": "True", "observedGeneration": 2}],
        }
        | status,
    }


def not_ready(reason: str, **more: Any) -> list[dict[str, Any]]:
    return [{"type": "Ready", "status": "False", "reason": reason, "observedGeneration": 2} | more]


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (flux(), True),
        (flux(generation=3), False),
        (flux(observedGeneration=-1), False),
        (flux(lastHandledReconcileAt="r0"), False),
        (flux(lastAppliedRevision="main@sha1:older"), False),
        (flux(lastAppliedRevision=None), False),
        (flux(conditions=not_ready("Progressing")), False),
        (flux(conditions=[{"type": "Ready", "status": "True", "observedGeneration": 1}]), False),
        (flux() | {"metadata": {"generation": 2, "deletionTimestamp": "now"}}, False),
        ({"kind": "Kustomization", "metadata": {"generation": 1}}, False),
        (None, False),
        (flux("GitRepository", artifact={"revision": REVISION}), True),
        (flux("GitRepository", artifact={"revision": "main@sha1:older"}), False),
        (flux("HelmRelease", history=[{"chartVersion": "2.0.0+abc123"}, {}]), True),
        (flux("HelmRelease", history=[{"chartVersion": "1.0.0"}]), False),
        (flux("HelmRelease"), False),
    ],
)
def test_reconciled(item: dict[str, Any] | None, expected: bool):
    assert reconciled("abc123", requested_at="r1").test(item) is expected


def workload(kind: str, **status: Any) -> dict[str, Any]:
    return {
        "kind": kind,
        "metadata": {"generation": 2},
        "spec": {"replicas": 2},
        "status": {"observedGeneration": 2} | status,
    }


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (workload("Deployment", replicas=2, updatedReplicas=2, availableReplicas=2), True),
        (workload("Deployment", replicas=3, updatedReplicas=2, availableReplicas=3), False),
        (workload("Deployment", replicas=2, updatedReplicas=1, availableReplicas=2), False),
        (workload("Deployment", replicas=2, updatedReplicas=2, availableReplicas=1), False),
        (
            workload(
                "Deployment",
                replicas=2,
                updatedReplicas=2,
                availableReplicas=2,
                observedGeneration=1,
            ),
            False,
        ),
        (workload("Deployment"), False),
        (
            workload(
                "StatefulSet",
                replicas=2,
                updatedReplicas=2,
                availableReplicas=2,
                updateRevision="b",
                currentRevision="a",
            ),
            False,
        ),
        (
            workload(
                "DaemonSet", desiredNumberScheduled=1, updatedNumberScheduled=1, numberAvailable=1
            ),
            True,
        ),
        (workload("DaemonSet", desiredNumberScheduled=1, updatedNumberScheduled=1), False),
    ],
)
def test_rolled_out(item: dict[str, Any], expected: bool):
    assert rolled_out().test(item) is expected


def test_conditions_combine_and_say_so():
    item = flux(conditions=not_ready("BuildFailed"))
    both = ~ready() & condition_false("Ready", "BuildFailed")
    assert both.test(item)
    assert not both.test(None)
    assert (ready() | both).test(item)
    assert both.description == "not Ready and condition Ready=False (BuildFailed)"


def test_the_status_of_a_flux_object_names_its_revision_and_request():
    lines = list(status_lines(flux(generation=3)))
    assert lines[0] == "its controller has seen generation 2, not yet 3"
    assert lines[1] == f"revision {REVISION}, last request handled: r1"


READY_FALSE = {"type": "Ready", "status": "False"}


@pytest.mark.parametrize(
    "status",
    [
        {"observedGeneration": -1, "conditions": []},
        {"observedGeneration": 1, "conditions": [{**READY_FALSE, "observedGeneration": 2}]},
    ],
)
def test_what_flux_has_seen_and_not_reconciled_is_not_called_unseen(status: dict[str, Any]):
    item = {**flux(generation=2), "status": status}
    assert next(status_lines(item)) == "generation 2 is not reconciled with success yet"
