"""What will not get better by itself is told early, and what may still do is waited for."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.apps.package.hopeless import (
    BUSY_LASTS,
    FLUX_LASTS,
    PODS_LAST,
    Trouble,
    Watchdog,
    troubles_of_flux,
    troubles_of_pods,
    troubles_of_workloads,
)
from conformance.kube.objects import Object


def an_object(kind: str, name: str = "web", **fields: Any) -> Object:
    metadata = {"name": name, "namespace": "stackspin-apps", "uid": f"uid of {name}"}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **fields}


def a_pod(*containers: Object, **status: Any) -> Object:
    return an_object("Pod", status={"containerStatuses": list(containers), **status})


def waiting(reason: str, message: str = "", **more: Any) -> Object:
    state = {"waiting": {"reason": reason, "message": message}}
    return {"name": "app", "image": "docker.io/a/b:1", "state": state, **more}


def an_event(reason: str, message: str, count: int, name: str = "web") -> Object:
    about = {"uid": f"uid of {name}"}
    told = {"reason": reason, "message": message, "count": count, "involvedObject": about}
    return {"metadata": {}, "lastTimestamp": "2026-11-28T20:00:00Z", **told}


def ended(restarts: int, reason: str = "Error", status: int = 3) -> Object:
    last = {"terminated": {"reason": reason, "exitCode": status}}
    return waiting("CrashLoopBackOff", restartCount=restarts, lastState=last)


UNSCHEDULABLE = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "Unschedulable",
    "message": "0/1 nodes are available: 1 Insufficient memory.",
}


@pytest.mark.parametrize(
    ("pod", "events", "told"),
    [
        (
            a_pod(waiting("ImagePullBackOff", "a/b:1: not found")),
            [],
            "Pod web in stackspin-apps: container app: its image docker.io/a/b:1 cannot be pulled:"
            " a/b:1: not found\n  To do: Correct the image's name",
        ),
        (
            a_pod(waiting("CreateContainerConfigError", 'secret "key" not found')),
            [],
            'container app cannot be started (CreateContainerConfigError): secret "key" not found',
        ),
        (a_pod(ended(3)), [], "container app has ended 4 times, the last time with exit status 3"),
        (a_pod(ended(4, "OOMKilled", 137)), [], "(OOMKilled)\n  To do: Give it a higher limit"),
        (
            a_pod(conditions=[UNSCHEDULABLE]),
            [],
            "no node takes it: 0/1 nodes are available: 1 Insufficient memory.\n  To do: Have it",
        ),
        (
            a_pod(reason="Evicted", message='Usage of EmptyDir volume "tmp" exceeds the limit'),
            [],
            'the node has evicted it: Usage of EmptyDir volume "tmp" exceeds',
        ),
        (
            a_pod(waiting("ContainerCreating")),
            [an_event("FailedMount", 'configmap "settings" not found', 7)],
            'FailedMount: configmap "settings" not found\n  To do: Add what is to be mounted',
        ),
    ],
)
def test_what_keeps_a_pod_from_getting_ready(pod: Object, events: list[Object], told: str) -> None:
    [found] = troubles_of_pods([pod], events)
    assert told in str(found)


TAINTED = {**UNSCHEDULABLE, "message": "0/1 nodes are available: 1 had untolerated taint(s)"}


@pytest.mark.parametrize(
    ("pod", "events", "lasts"),
    [
        (a_pod(waiting("ErrImagePull", "a/b:1: not found")), [], PODS_LAST),
        (a_pod(waiting("ErrImagePull", "i/o timeout")), [], BUSY_LASTS),
        (a_pod(waiting("InvalidImageName", "cannot be parsed")), [], PODS_LAST),
        (a_pod(waiting("CreateContainerConfigError", "runs as root")), [], PODS_LAST),
        (a_pod(waiting("CreateContainerError", "deadline exceeded")), [], BUSY_LASTS),
        (a_pod(conditions=[UNSCHEDULABLE]), [], PODS_LAST),
        (a_pod(conditions=[TAINTED]), [], BUSY_LASTS),
        (a_pod(waiting("ContainerCreating")), [an_event("FailedMount", "not found", 7)], PODS_LAST),
        (
            a_pod(waiting("ContainerCreating")),
            [an_event("FailedMount", "timed out", 7)],
            BUSY_LASTS,
        ),
    ],
)
def test_what_a_busy_node_shows_as_well_may_last_longer(
    pod: Object, events: list[Object], lasts: float
) -> None:
    [found] = troubles_of_pods([pod], events)
    assert found.lasts == lasts


@pytest.mark.parametrize(
    ("pod", "events"),
    [
        (a_pod({"name": "app", "state": {"running": {}}, "restartCount": 9}), []),
        (a_pod(ended(2)), []),
        (a_pod(waiting("ContainerCreating")), []),
        (a_pod(waiting("ContainerCreating")), [an_event("FailedMount", "not yet", 2)]),
        (a_pod(waiting("ContainerCreating")), [an_event("FailedMount", "theirs", 9, "other")]),
        (a_pod({"name": "app", "state": {"running": {}}}), [an_event("FailedMount", "was", 9)]),
        (a_pod(conditions=[{**UNSCHEDULABLE, "status": "True"}]), []),
        (an_object("Pod"), []),
    ],
)
def test_what_may_still_get_better(pod: Object, events: list[Object]) -> None:
    assert list(troubles_of_pods([pod], events)) == []


def test_a_workload_whose_pods_are_refused() -> None:
    refused = [an_event("FailedCreate", 'pods "web" is forbidden: exceeded quota', 6)]
    without = an_object("ReplicaSet", spec={"replicas": 2}, status={"replicas": 1})
    [found] = troubles_of_workloads([without], refused)
    assert 'FailedCreate: pods "web" is forbidden: exceeded quota' in str(found)
    each = [an_event("FailedCreate", f'pods "web-{one}" is forbidden', 1) for one in range(5)]
    assert "web-4" in str(next(troubles_of_workloads([without], each)))
    assert list(troubles_of_workloads([without], each[1:])) == []
    whole = an_object("ReplicaSet", spec={"replicas": 2}, status={"replicas": 2})
    of_each_node = {"desiredNumberScheduled": 1, "currentNumberScheduled": 1}
    on_each_node = an_object("DaemonSet", spec={}, status=of_each_node)
    assert list(troubles_of_workloads([whole, on_each_node], refused)) == []


def of_flux(reason: str, message: str, status: str = "False") -> Object:
    ready = {"type": "Ready", "status": status, "reason": reason, "message": message}
    return an_object("Kustomization", status={"conditions": [ready]})


def test_what_flux_says_of_a_package() -> None:
    built = of_flux("BuildFailed", "accumulating resources: no such file")
    [found] = troubles_of_flux([built])
    assert found.what == "accumulating resources: no such file"
    assert found.lasts == FLUX_LASTS > PODS_LAST
    missing = of_flux("DependencyNotReady", "dependency 'flux-system/redis' not found")
    assert [one.fix[:32] for one in troubles_of_flux([missing])] == [
        "Take what is not there out of de"
    ]
    slow = of_flux("DependencyNotReady", "dependency 'flux-system/redis' is not ready")
    again = of_flux("InstallFailed", "context deadline exceeded")  # its retries are counted
    under_way = of_flux("BuildFailed", "of before", "Unknown")
    assert list(troubles_of_flux([slow, again, under_way, an_object("HelmRelease")])) == []


class Clock:
    """Seconds that pass when a test says so."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_only_what_lasts_is_hopeless() -> None:
    clock = Clock()
    watchdog = Watchdog(clock)
    trouble = Trouble(an_object("Pod"), "it waits", "Help it.", lasts=45)

    def after(seconds: float, *troubles: Trouble) -> Trouble | None:
        clock.now += seconds
        return watchdog.hopeless(troubles)

    assert after(0, trouble) is None
    assert after(44, trouble) is None, "it may still end"
    assert after(16) is None
    again = Trouble(an_object("Pod"), "it waits once more", "Help it.", lasts=45)
    assert after(3, again) is None, "it was forgotten, as it was over for some time"
    for _ in range(4):
        assert after(5) is None, "hidden while it is tried again"
        assert after(5, again) is None
    assert after(5, again) is again


def test_what_has_happened_often_enough_is_hopeless_at_once() -> None:
    [trouble] = troubles_of_pods([a_pod(ended(3))], [])
    assert Watchdog(Clock()).hopeless([trouble]) is trouble
