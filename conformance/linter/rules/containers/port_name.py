"""The ports that a Service leads to have names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import sequence
from conformance.linter.facts.cluster import (
    Cluster,
    each,
)
from conformance.linter.findings import NotRun, Problem, Severity
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("containers.port-name", level=2, severity=Severity.NOTE)
def port_name(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each declared port without a name."""
    yield from each(app, _nameless_ports)


def _nameless_ports(cluster: Cluster) -> Iterator[Problem]:
    for target in cluster.targets:
        container = target.container
        if container is None or target.declared.get("name"):
            continue
        if not cluster.certain(container.pod.workload):
            continue
        ports = sequence(container.value.get("ports"))
        index = next((n for n, one in enumerate(ports) if one is target.declared), 0)
        yield Problem(
            container.place("ports", index),
            f"port {target.number} of container {container.name} has no name, and Service "
            f"{target.service.name} leads to it",
        )
