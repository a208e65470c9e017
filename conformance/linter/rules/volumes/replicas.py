"""Only one pod writes to a volume."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts.cluster import Cluster, each
from conformance.linter.findings import NotRun, Problem
from conformance.linter.rule import rule
from conformance.linter.rules.volumes.shared import written_claim

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("volumes.replicas", level=2)
def replicas(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each workload of several pods with one volume."""
    yield from each(app, _several_writers)


def _several_writers(cluster: Cluster) -> Iterator[Problem]:
    for pod in cluster.servers:
        claim = written_claim(cluster, pod)
        workload = pod.workload
        if claim is None or workload.kind not in ("Deployment", "StatefulSet", "ReplicaSet"):
            continue
        number = workload.get("spec", "replicas")
        if isinstance(number, int) and number > 1:
            yield Problem(
                workload.place("spec", "replicas"),
                f"{workload.kind} {workload.name} has {number} pods, all with claim {claim}",
            )
        for scaler in cluster.objects("HorizontalPodAutoscaler"):
            most = scaler.get("spec", "maxReplicas")
            target = (
                scaler.get("spec", "scaleTargetRef", "kind"),
                scaler.get("spec", "scaleTargetRef", "name"),
            )
            if target == (workload.kind, workload.name) and isinstance(most, int) and most > 1:
                yield Problem(
                    scaler.place("spec", "maxReplicas"),
                    f"{workload.kind} {workload.name} may have {most} pods, all with claim {claim}",
                )
