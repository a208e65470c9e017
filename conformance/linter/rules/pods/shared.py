"""What several rules of the family pods share."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.linter.facts.cluster import Cluster
from conformance.linter.facts.needs import Answer, Need, look_up, needs_of


def needed_by(cluster: Cluster) -> Iterator[tuple[Need, Answer]]:
    """Yield each reference of a pod, and what is known of the object."""
    for pod in cluster.judged:
        workload = pod.workload
        for one in needs_of(pod):
            yield one, look_up(cluster, one.kind, one.name, workload.namespace, workload)
