"""A workload selects no pods of another one of its kind.

Whether workloads leave each other's pods alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from typing import TYPE_CHECKING

from conformance.linter.access import mapping
from conformance.linter.facts.cluster import Cluster, each, selects
from conformance.linter.findings import NotRun, Problem, Severity
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


_SELECTING = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")


@rule("pods.selector-overlap", level=2, severity=Severity.WARNING)
def selector_overlap(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each selector that pods of another workload match."""
    yield from each(app, _overlapping)


def _overlapping(cluster: Cluster) -> Iterator[Problem]:
    pods = [pod for pod in cluster.servers if pod.workload.kind in _SELECTING]
    for one, other in permutations(pods, 2):
        path = ("spec", "selector", "matchLabels")
        wanted = mapping(one.workload.get(*path))
        only_labels = not one.workload.get("spec", "selector", "matchExpressions")
        if one.workload.kind != other.workload.kind:
            continue  # They own pods of different kinds of owners, and never adopt each other's.
        if wanted and only_labels and selects(wanted, one.workload.namespace, other):
            yield Problem(
                one.workload.place(*path),
                f"{one.workload.kind} {one.workload.name} also selects the pods of "
                f"{other.workload.kind} {other.workload.name}",
            )
