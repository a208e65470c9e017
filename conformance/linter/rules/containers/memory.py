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


@rule(
    "containers.memory",
    "A container has a limit on its memory",
    level=3,
    severity=Severity.WARNING,
    why="All apps share one server. An app that leaks memory or is attacked can use it all up, "
    "and the kernel then kills any process.",
    source="https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/",
    fix="Set resources.limits.memory to somewhat more than the app needs, and requests.memory to "
    "what it always uses.",
    example="""
resources:
  requests: {cpu: 10m, memory: 64Mi}
  limits: {memory: 256Mi}
""",
)
def memory(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each container without one."""
    yield from each(app, _unlimited)


def _unlimited(cluster: Cluster) -> Iterator[Problem]:
    for pod in cluster.servers:
        for container in lasting(pod):
            if not get(container.value, "resources", "limits", "memory"):
                yield Problem(
                    container.place("resources"),
                    f"container {container.name} may use all memory of the server: it has no "
                    "resources.limits.memory",
                )
