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

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("containers.probes", level=2)
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
