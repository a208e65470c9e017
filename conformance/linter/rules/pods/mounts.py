"""Every mount names a volume of its pod, and each folder has one volume."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import get, sequence, text
from conformance.linter.facts.cluster import Cluster, each
from conformance.linter.findings import NotRun, Problem, quoted
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("pods.mounts", level=2)
def mounts(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each mount that cannot be."""
    yield from each(app, _wrong_mounts)


def _wrong_mounts(cluster: Cluster) -> Iterator[Problem]:
    for pod in cluster.judged:
        volumes = {text(get(one, "name")) for one in sequence(pod.get("spec", "volumes"))}
        volumes |= set(pod.claims)
        for container in pod.containers:
            seen: set[str] = set()
            for index, mount in enumerate(sequence(container.value.get("volumeMounts"))):
                name, path = text(get(mount, "name")), text(get(mount, "mountPath"))
                if name and name not in volumes:
                    yield Problem(
                        container.place("volumeMounts", index, "name"),
                        f"container {container.name} mounts {quoted(name)}, which is not a volume "
                        "of the pod",
                    )
                elif path and path in seen:
                    yield Problem(
                        container.place("volumeMounts", index, "mountPath"),
                        f"container {container.name} mounts two volumes at {quoted(path)}",
                    )
                seen.add(path)
