"""A probe uses a port that its container has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import get, sequence, text
from conformance.linter.facts.cluster import (
    Cluster,
    each,
)
from conformance.linter.findings import NotRun, Problem, quoted
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


_PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
_HANDLERS = ("httpGet", "tcpSocket")


@rule("containers.probe-port", level=2)
def probe_port(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each port name of a probe that is no port's."""
    yield from each(app, _strange_probes)


def _strange_probes(cluster: Cluster) -> Iterator[Problem]:
    for pod in cluster.judged:
        for container in pod.containers:
            names = [text(get(one, "name")) for one in sequence(container.value.get("ports"))]
            for probe in _PROBES:
                for handler in _HANDLERS:
                    port = get(container.value, probe, handler, "port")
                    if isinstance(port, str) and port not in names:
                        yield Problem(
                            container.place(probe, handler, "port"),
                            f"{probe} of container {container.name} asks port {quoted(port)}; the "
                            f"container has {_listed(names)}",
                        )


def _listed(names: list[str]) -> str:
    known = [name for name in names if name]
    return f"port {', '.join(known[:5])}" if known else "no named port"
