"""A container behind a Service has a readiness and a liveness probe."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import mapping
from conformance.linter.facts.cluster import (
    Cluster,
    each,
    key_of,
)
from conformance.linter.findings import NotRun, Problem
from conformance.linter.rule import rule
from conformance.linter.rules.containers.shared import PROBES_MANUAL

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule(
    "containers.probes",
    "A container behind a Service has a readiness and a liveness probe",
    level=2,
    why="Without a readiness probe people get errors while the app starts, and Flux reports a "
    "broken upgrade as a success. Without a liveness probe an app that hangs stays down until "
    "somebody notices.",
    source=PROBES_MANUAL,
    fix="Add the probe to the container; it should check the app itself, not its database or the "
    "login provider.",
    example="""
readinessProbe:
  httpGet: {path: /health/ready, port: http}
livenessProbe:
  httpGet: {path: /health/live, port: http}
""",
)
def probes(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each such container that lacks one."""
    yield from each(app, _unprobed)


def _unprobed(cluster: Cluster) -> Iterator[Problem]:
    for pod in cluster.servers:
        for container in pod.containers:
            target = cluster.served.get(key_of(container))
            absent = [
                name
                for name in ("readinessProbe", "livenessProbe")
                if not mapping(container.value.get(name))
            ]
            if target is not None and absent:
                yield Problem(
                    container.place(),
                    f"container {container.name}, behind Service {target.service.name}, has no "
                    f"{' and no '.join(absent)}",
                )
