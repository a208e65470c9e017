"""The port name that a Service leads to belongs to a container."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import get, sequence, text
from conformance.linter.facts.cluster import (
    Cluster,
    each,
    similar,
)
from conformance.linter.findings import NotRun, Problem, quoted
from conformance.linter.rule import rule
from conformance.linter.rules.network.shared import targets_of

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage
    from conformance.linter.facts.cluster import Target


@rule("network.service-port", level=2)
def service_port(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each name that is no container port's."""
    yield from each(app, _lost_names)


def _lost_names(cluster: Cluster) -> Iterator[Problem]:
    for target, declared in targets_of(cluster):
        if isinstance(target.number, str) and not declared:
            near = similar(target.number, _port_names(target))
            yield Problem(
                target.service.place("spec", "ports", target.index, "targetPort"),
                f"Service {target.service.name} leads to port {quoted(target.number)}, which no "
                f"container of {target.pod.workload.kind} {target.pod.workload.name} has"
                f"{f'; did you mean {near}?' if near else ''}",
            )


def _port_names(target: Target) -> list[str]:
    return [
        text(get(port, "name"))
        for container in target.pod.containers
        for port in sequence(container.value.get("ports"))
    ]
