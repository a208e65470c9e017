"""A container with data has time to start before it is restarted.

Whether a container has the time that it needs to start.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import mapping
from conformance.linter.facts.cluster import Cluster, each
from conformance.linter.findings import NotRun, Problem, Severity
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage
    from conformance.linter.pods import Container


_ENOUGH = 60
"""Seconds: a database is migrated, or an app unpacked, in less only if there is little of it."""
_DELAY, _PERIOD, _FAILURES = 0, 10, 3
"""What Kubernetes takes where a probe does not say."""


@rule("containers.start-time", level=2, severity=Severity.NOTE)
def start_time(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each container whose liveness probe is strict from the beginning."""
    yield from each(app, _hurried)


def _hurried(cluster: Cluster) -> Iterator[Problem]:
    if not any(pod.claims for pod in cluster.pods):
        return  # nothing to migrate
    for pod in cluster.servers:
        for container in pod.containers:
            seconds = _seconds(container)
            if not container.init and seconds is not None and seconds < _ENOUGH:
                yield Problem(
                    container.place("livenessProbe"),
                    f"container {container.name} is killed if it has not started after "
                    f"{seconds} s: it has a livenessProbe, but no startupProbe",
                )


def _seconds(container: Container) -> int | None:
    """Return how long a start may take; None: as long as it likes, or it is not known."""
    liveness = mapping(container.value.get("livenessProbe"))
    if not liveness or mapping(container.value.get("startupProbe")):
        return None
    given = [
        liveness.get("initialDelaySeconds", _DELAY),
        liveness.get("periodSeconds", _PERIOD),
        liveness.get("failureThreshold", _FAILURES),
    ]
    if not all(isinstance(one, int) for one in given):
        return None
    delay, period, failures = given
    return int(delay + period * failures)
