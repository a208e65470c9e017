"""A container that must not be root does not run as root."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts.cluster import Cluster, each
from conformance.linter.facts.confinement import refused
from conformance.linter.findings import NotRun, Problem
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("pods.root-refused", level=2)
def root_refused(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each container that is told both."""
    yield from each(app, _refused)


def _refused(cluster: Cluster) -> Iterator[Problem]:
    for pod in cluster.judged:
        for container in pod.containers:
            path = refused(container)
            if path is not None:
                yield Problem(
                    pod.place(*path),
                    f"container {container.name} is to run as root (runAsUser: 0) but must not "
                    "(runAsNonRoot: true): it never starts",
                )
