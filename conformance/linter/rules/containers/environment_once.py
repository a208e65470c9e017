"""An environment variable has one value in a container.

Whether each setting of a container's environment is written once, and is the app's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import get, sequence, text
from conformance.linter.facts.cluster import Cluster, each
from conformance.linter.findings import NotRun, Problem, quoted
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule(
    "containers.environment-once",
    "An environment variable has one value in a container",
    level=2,
    why="Flux cannot apply a container that has a variable twice, as the name is the entry's key. "
    "Helm can, but at the next upgrade Kubernetes merges the entries by their names, and the "
    "variable may have the wrong value or be gone.",
    source="https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy",
    fix="Remove one of the entries.",
    example="""
env:
  - name: NOTES_LOG_LEVEL
    value: info # not a second NOTES_LOG_LEVEL below
""",
)
def environment_once(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each variable that is there twice."""
    yield from each(app, _repeated)


def _repeated(cluster: Cluster) -> Iterator[Problem]:
    for pod in cluster.judged:
        for container in pod.containers:
            names = [text(get(one, "name")) for one in sequence(container.value.get("env"))]
            for name, count in Counter(names).items():
                if name and count > 1:
                    last = len(names) - 1 - names[::-1].index(name)
                    yield Problem(
                        container.place("env", last, "name"),
                        f"container {container.name} has the environment variable {quoted(name)} "
                        f"{'twice' if count == 2 else f'{count} times'}",
                    )
