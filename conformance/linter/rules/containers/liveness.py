"""A server that supports the app has a liveness probe."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import mapping, sequence, text
from conformance.linter.facts.cluster import (
    Cluster,
    each,
    key_of,
)
from conformance.linter.facts.images import is_database
from conformance.linter.findings import NotRun, Problem, Severity
from conformance.linter.rule import rule
from conformance.linter.rules.containers.shared import lasting

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("containers.liveness", level=2, severity=Severity.WARNING)
def liveness(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each container that listens, not behind a Service, and has none."""
    yield from each(app, _unwatched)


def _unwatched(cluster: Cluster) -> Iterator[Problem]:
    for pod in cluster.servers:
        for container in lasting(pod):
            listens = sequence(container.value.get("ports"))
            if key_of(container) in cluster.served or mapping(container.value.get("livenessProbe")):
                continue
            if listens or is_database(text(container.value.get("image"))):
                yield Problem(container.place(), f"container {container.name} has no livenessProbe")
