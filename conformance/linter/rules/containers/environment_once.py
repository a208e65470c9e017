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


@rule("containers.environment-once", level=2)
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
