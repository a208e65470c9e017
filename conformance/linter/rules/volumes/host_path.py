"""No volume of a pod is a folder of the server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import get, sequence, text
from conformance.linter.facts.cluster import Cluster, each
from conformance.linter.findings import NotRun, Problem, quoted
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


_HARMLESS_HOST_PATHS = ("/etc/localtime", "/etc/timezone", "/usr/share/zoneinfo")


@rule("volumes.host-path", level=3)
def host_path(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each such volume; of a PersistentVolume a rule about backups speaks."""
    yield from each(app, _host_paths)


def _host_paths(cluster: Cluster) -> Iterator[Problem]:
    for pod in cluster.judged:
        for index, volume in enumerate(sequence(pod.get("spec", "volumes"))):
            path = get(volume, "hostPath", "path")
            if isinstance(path, str) and not path.startswith(_HARMLESS_HOST_PATHS):
                yield Problem(
                    pod.place("spec", "volumes", index, "hostPath"),
                    f"volume {text(get(volume, 'name'))} is the server's folder {quoted(path)}",
                )
