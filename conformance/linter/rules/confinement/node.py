"""A pod has no rights on the node."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts.cluster import Cluster, each
from conformance.linter.facts.confinement import (
    breaches,
    breaches_of_pod,
)
from conformance.linter.findings import NotRun, Problem
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("confinement.node", level=3)
def node(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each right that the standards' profile ``baseline`` forbids; volumes apart."""
    yield from each(app, _rights)


def _rights(cluster: Cluster) -> Iterator[Problem]:
    for pod in cluster.judged:
        for path, message in breaches_of_pod(pod):
            yield Problem(pod.place(*path), message)
        for container in pod.containers:
            for path, message in breaches(container):
                yield Problem(pod.place(*path), message)
