"""What several rules of the family network share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts.cluster import (
    Cluster,
)
from conformance.linter.findings import quoted

if TYPE_CHECKING:
    from conformance.linter.facts.cluster import Target


def targets_of(cluster: Cluster) -> Iterator[tuple[Target, bool]]:
    """Yield each port of a Service once, and whether a container declares its target."""
    first: dict[tuple[int, int], Target] = {}
    declared: set[tuple[int, int]] = set()
    for target in cluster.targets:
        key = (id(target.service), target.index)
        first.setdefault(key, target)
        if target.container is not None or not cluster.certain(target.pod.workload):
            declared.add(key)
    for key, target in first.items():
        if cluster.certain(target.service):
            yield target, key in declared


def shown(port: int | str) -> str:
    """Return a port as a message shows it: a name in quotes, a number without."""
    return quoted(port) if isinstance(port, str) else str(port)
