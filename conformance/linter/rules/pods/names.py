"""Containers, volumes and ports of a pod have unique, valid names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import get, sequence, text
from conformance.linter.facts.cluster import Cluster, each
from conformance.linter.findings import NotRun, Problem, quoted
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


_PORT_NAME = re.compile(r"(?=.*[a-z])(?!.*--)[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?")
"""An IANA service name: https://www.rfc-editor.org/rfc/rfc6335#section-5.1"""


@rule("pods.names", level=2)
def names(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each name that is taken, and each port name that is none."""
    yield from each(app, _wrong_names)


def _wrong_names(cluster: Cluster) -> Iterator[Problem]:
    for pod in cluster.judged:
        containers = [(one.name, (*one.path, "name")) for one in pod.containers]
        volumes = [
            (text(get(one, "name")), ("spec", "volumes", index, "name"))
            for index, one in enumerate(sequence(pod.get("spec", "volumes")))
        ]
        for what, named in (("containers", containers), ("volumes", volumes)):
            counted = Counter(name for name, _ in named if name)
            last = {name: path for name, path in named if counted[name] > 1}
            for name, path in last.items():
                yield Problem(
                    pod.place(*path), f"{counted[name]} {what} of the pod are named {quoted(name)}"
                )
        for container in pod.containers:
            seen: set[str] = set()
            for index, port in enumerate(sequence(container.value.get("ports"))):
                name = text(get(port, "name"))
                if name and (name in seen or not _PORT_NAME.fullmatch(name[:100])):
                    why = "is taken" if name in seen else "is not valid in Kubernetes"
                    yield Problem(
                        container.place("ports", index, "name"),
                        f"port name {quoted(name)} of container {container.name} {why}",
                    )
                seen.add(name)
