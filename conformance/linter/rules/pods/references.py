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


@rule(
    "pods.references",
    "Every Secret, ConfigMap and ServiceAccount that a pod needs exists",
    level=2,
    why="A pod whose Secret or ConfigMap is missing waits for it forever; without its "
    "ServiceAccount it is not even created.",
    source="https://kubernetes.io/docs/concepts/configuration/secret/#restriction-secret-must-exist",
    fix="Correct the name, add the object to the package, or mark the reference optional: true.",
    example="""
env:
  - name: NOTES_SECRET_KEY
    valueFrom:
      secretKeyRef: {name: notes-secrets, key: secret-key}
""",
)
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
