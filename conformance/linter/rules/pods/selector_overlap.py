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


_MANUAL = "https://kubernetes.io/docs/concepts/workloads/controllers"
_SELECTING = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")


@rule(
    "pods.selector-overlap",
    "A workload selects no pods of another one of its kind",
    level=2,
    severity=Severity.WARNING,
    why="Kubernetes does not prevent two workloads from selecting the same pods, and then neither "
    "knows which are its own: pods are counted twice, and are adopted or deleted by the wrong "
    "one.",
    source=f"{_MANUAL}/deployment/#selector",
    fix="Give each workload a label of its own, such as app.kubernetes.io/component, in its "
    "selector and its pods. In a chart that people have installed, give it another name, too: "
    "nobody can change a selector.",
    example="""
selector:
  matchLabels:
    app.kubernetes.io/name: notes
    app.kubernetes.io/component: worker
""",
)
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
