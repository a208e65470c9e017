"""The port number that a Service leads to is declared by a container."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts.cluster import (
    Cluster,
    each,
)
from conformance.linter.findings import NotRun, Problem, Severity
from conformance.linter.rule import rule
from conformance.linter.rules.network.shared import targets_of

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("network.port-declared", level=2, severity=Severity.NOTE)
def port_declared(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each number that no container declares."""
    yield from each(app, _lost_numbers)


def _lost_numbers(cluster: Cluster) -> Iterator[Problem]:
    for target, declared in targets_of(cluster):
        if isinstance(target.number, int) and not declared:
            yield Problem(
                target.service.place("spec", "ports", target.index, "targetPort"),
                f"Service {target.service.name} leads to port {target.number}, which no container "
                f"of {target.pod.workload.kind} {target.pod.workload.name} declares",
            )
