"""A container has a limit on its memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import get
from conformance.linter.facts.cluster import (
    Cluster,
    each,
)
from conformance.linter.findings import NotRun, Problem, Severity
from conformance.linter.rule import rule
from conformance.linter.rules.containers.shared import lasting

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("containers.memory", level=3, severity=Severity.WARNING)
def memory(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each container without one."""
    yield from each(app, _unlimited)


def _unlimited(cluster: Cluster) -> Iterator[Problem]:
    for pod in cluster.servers:
        of_pod = pod.get("spec", "resources", "limits", "memory")
        for container in () if of_pod else lasting(pod):
            if not get(container.value, "resources", "limits", "memory"):
                yield Problem(
                    container.place("resources"),
                    f"container {container.name} may use all memory of the server: it has no "
                    "resources.limits.memory",
                )
