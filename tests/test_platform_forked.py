"""When a pod of a fork runs again: its old status is the snapshot's."""

from __future__ import annotations

import pytest

from conformance.kube.objects import Object
from conformance.platform.reference.forked import started_since

SINCE = 1_700_000_000.7
"""2023-11-14T22:13:20Z and a part of a second."""


def pod(*started: str, ready: str = "True", phase: str = "Running") -> Object:
    states = [{"state": {"running": {"startedAt": at}}} for at in started]
    conditions = [{"type": "Ready", "status": ready}]
    status = {"phase": phase, "containerStatuses": states, "conditions": conditions}
    return {"kind": "Pod", "metadata": {"name": "one"}, "status": status}


@pytest.mark.parametrize(
    ("item", "runs"),
    [
        (pod("2023-11-14T22:13:20Z"), True),
        (pod("2023-11-14T22:13:25Z", "2023-11-14T22:13:26Z"), True),
        (pod("2023-11-14T22:13:19Z"), False),
        (pod("2023-11-14T22:13:25Z", "2023-10-14T22:13:25Z"), False),
        (pod("2023-11-14T22:13:25Z", ready="False"), False),
        (pod(phase="Succeeded", ready="False"), True),
        ({**pod(), "status": {"phase": "Pending"}}, False),
    ],
)
def test_a_pod_runs_again_when_all_its_containers_are_new(item: Object, runs: bool) -> None:
    assert started_since(SINCE).test(item) == runs


def test_a_container_that_waits_does_not_run() -> None:
    item = pod("2023-11-14T22:13:25Z")
    item["status"]["containerStatuses"][0]["state"] = {"waiting": {"reason": "CrashLoopBackOff"}}
    assert not started_since(SINCE).test(item)
