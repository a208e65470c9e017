"""A workload selects its own pods."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import mapping
from conformance.linter.facts.cluster import Cluster, each
from conformance.linter.findings import NotRun, Problem, quoted
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


_SELECTING = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")


@rule("pods.selector", level=2)
def selector(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each selector that its pods do not match."""
    yield from each(app, _wrong_selectors)


def _wrong_selectors(cluster: Cluster) -> Iterator[Problem]:
    for pod in cluster.judged:
        wanted = mapping(pod.workload.get("spec", "selector", "matchLabels"))
        if pod.workload.kind not in _SELECTING:
            continue
        for key, value in wanted.items():
            if key not in pod.labels or pod.labels[key] != value:
                yield Problem(
                    pod.workload.place("spec", "selector", "matchLabels", key),
                    f"{pod.workload.kind} {pod.workload.name} selects pods by the label "
                    f"{key}={quoted(value)}, which those it makes do not have",
                )
