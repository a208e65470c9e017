"""The old pod ends before the new one gets its volume."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import get
from conformance.linter.facts.cluster import Cluster, each
from conformance.linter.findings import NotRun, Problem, Severity
from conformance.linter.rule import rule
from conformance.linter.rules.volumes.shared import written_claim

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("volumes.rolling-update", level=2, severity=Severity.WARNING)
def rolling_update(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each Deployment that has two pods for a while."""
    yield from each(app, _rolling)


def _rolling(cluster: Cluster) -> Iterator[Problem]:
    for pod in cluster.servers:
        strategy = pod.workload.get("spec", "strategy")
        if pod.workload.kind != "Deployment" or get(strategy, "type") == "Recreate":
            continue
        surge = get(strategy, "rollingUpdate", "maxSurge")
        claim = written_claim(cluster, pod)
        if claim is not None and surge not in (0, "0", "0%"):
            yield Problem(
                pod.workload.place("spec", "strategy"),
                f"Deployment {pod.workload.name} has no strategy Recreate: during an upgrade two "
                f"pods write to claim {claim}",
            )
