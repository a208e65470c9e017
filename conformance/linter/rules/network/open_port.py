"""A Service opens a port of the server only if it has to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import get, sequence
from conformance.linter.facts.cluster import (
    Cluster,
    each,
    port_number,
)
from conformance.linter.findings import NotRun, Problem, Severity
from conformance.linter.rule import rule
from conformance.linter.rules.network.shared import shown

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("network.open-port", level=2, severity=Severity.NOTE)
def open_port(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each port of the server that is opened."""
    yield from each(app, _open_ports)


def _open_ports(cluster: Cluster) -> Iterator[Problem]:
    for service in cluster.objects("Service"):
        kind = service.get("spec", "type")
        if kind in ("NodePort", "LoadBalancer") and cluster.certain(service):
            yield Problem(
                service.place("spec", "type"),
                f"Service {service.name} opens a port of the server (type {kind})",
            )
    for pod in cluster.servers:
        for container in pod.containers:
            for index, port in enumerate(sequence(container.value.get("ports"))):
                number = port_number(get(port, "hostPort"))
                if number:
                    yield Problem(
                        container.place("ports", index, "hostPort"),
                        f"container {container.name} opens port {shown(number)} of the server",
                    )
