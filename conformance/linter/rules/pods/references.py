"""Every Secret, ConfigMap and ServiceAccount that a pod needs exists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts.cluster import Cluster, each
from conformance.linter.facts.needs import State, origin
from conformance.linter.findings import NotRun, Problem, quoted
from conformance.linter.rule import rule
from conformance.linter.rules.pods.shared import needed_by

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("pods.references", level=2)
def needed(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each object that a pod needs and nothing makes."""
    yield from each(app, _unmade)


def _unmade(cluster: Cluster) -> Iterator[Problem | NotRun]:
    for need, answer in needed_by(cluster):
        if answer.state is State.UNKNOWN:
            yield NotRun(f"nothing in PATH creates {str(need)[:200]}")
        elif answer.state is State.NOWHERE:
            place = need.pod.place(*need.path)
            yield Problem(
                origin(cluster, need.pod.workload, need.name, place),
                f"{need.by} needs {need.kind} {quoted(need.name)}, which nothing creates"
                f"{answer.hint}",
            )
