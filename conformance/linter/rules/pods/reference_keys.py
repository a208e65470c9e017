"""The Secrets and ConfigMaps that a pod needs have the keys that it reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts.cluster import Cluster, each, similar
from conformance.linter.findings import NotRun, Problem, quoted
from conformance.linter.rule import rule
from conformance.linter.rules.pods.shared import needed_by

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("pods.reference-keys", level=2)
def needed_keys(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each key that a pod reads and its object does not have."""
    yield from each(app, _lost_keys)


def _lost_keys(cluster: Cluster) -> Iterator[Problem]:
    for need, answer in needed_by(cluster):
        for key, path in need.keys.items():
            if answer.keys is not None and key not in answer.keys:
                near = similar(key, answer.keys)
                if cluster.bare and not near:
                    continue  # values may add it
                yield Problem(
                    need.pod.place(*path),
                    f"{need.by} reads key {quoted(key)} of {need}, which has no such key"
                    f"{f'; did you mean {near}?' if near else ''}",
                )
