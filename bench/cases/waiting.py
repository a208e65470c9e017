"""How soon a wait returns after what it waits for has happened."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench.catalogue import Measure, Samples, benchmark
from bench.lab import Lab
from conformance.common.errors import HarnessError
from conformance.kube.conditions import matching
from conformance.kube.objects import Object, Ref
from conformance.kube.wait import wait

if TYPE_CHECKING:
    from conformance.kube.client import Kube

EVENTS = 20
TIMEOUT = 15.0
"""Seconds; the event comes 2 s after the waits at the latest."""
POLL_SECONDS = 1.0
OBJECT = Ref("v1", "ConfigMap", "bench", "default")


@benchmark(
    "wait",
    Measure("conformance.kube.wait", "ms", target=50.0, judged="p95"),
    Measure("kubectl wait", "ms"),
    Measure("poll each second", "ms"),
)
def waiting(lab: Lab) -> Samples:
    """From an event to the return of a wait for it: conformance.kube.wait, kubectl wait, a poll.

    All three wait for the same change of a ConfigMap at the same time. It counts from the moment at
    which the change is sent, so the API server's work is in it. When it comes is random (1 to 2 s
    after the waits have begun), else a poll would always be equally late.
    """
    kubectl = lab.components.binary("kubectl")
    samples: dict[str, list[float]] = {}
    with lab.running() as (cluster, kube), ThreadPoolExecutor(3) as executor:
        kube.create(_config_map("0"))
        for event in (str(number) for number in range(1, EVENTS + 1)):
            waits: dict[str, Callable[[], None]] = {
                "conformance.kube.wait": partial(_ours, kube, event),
                "kubectl wait": partial(_kubectl, kubectl, cluster.kubeconfig, event),
                "poll each second": partial(_poll, kube, event),
            }
            returned = {name: executor.submit(_timed, act) for name, act in waits.items()}
            time.sleep(random.uniform(1.0, 2.0))  # noqa: S311 - nothing secret
            sent = time.perf_counter()
            kube.patch(*OBJECT, {"data": {"event": event}})
            for name, moment in returned.items():
                samples.setdefault(name, []).append((moment.result() - sent) * 1000)
    return samples


def _timed(act: Callable[[], None]) -> float:
    act()
    return time.perf_counter()


def _ours(kube: Kube, event: str) -> None:
    condition = matching(f"at event {event}", lambda item: _event(item) == event)
    wait(kube, OBJECT, condition, timeout=TIMEOUT)


def _kubectl(kubectl: Path, kubeconfig: Path, event: str) -> None:
    argv = [
        *(str(kubectl), f"--kubeconfig={kubeconfig}", "wait", "configmap/bench"),
        *(f"--for=jsonpath={{.data.event}}={event}", f"--timeout={TIMEOUT:g}s"),
    ]
    result = subprocess.run(argv, capture_output=True, text=True, check=False)
    if result.returncode:
        raise HarnessError(f"kubectl wait failed: {result.stderr.strip()}")


def _poll(kube: Kube, event: str) -> None:
    deadline = time.monotonic() + TIMEOUT
    while _event(kube.get(*OBJECT)) != event:
        if time.monotonic() > deadline:
            raise HarnessError(f"event {event} did not come within {TIMEOUT:g} s")
        time.sleep(POLL_SECONDS)


def _event(config_map: Object) -> str:
    return str(config_map["data"]["event"])


def _config_map(event: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": OBJECT.name, "namespace": OBJECT.namespace},
        "data": {"event": event},
    }
