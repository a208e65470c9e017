"""A container does not run as root, and cannot become it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts.cluster import Cluster, each
from conformance.linter.facts.confinement import (
    as_root,
    is_privileged,
    setting,
)
from conformance.linter.findings import NotRun, Problem, Severity
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage
    from conformance.linter.pods import Container


@rule("confinement.user", level=3, severity=Severity.WARNING)
def user(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each lasting container that is, or may become, root."""
    yield from each(app, _roots)


def _roots(cluster: Cluster) -> Iterator[Problem]:
    for pod in cluster.servers:
        for container in pod.containers:
            if container.init or is_privileged(container):
                continue
            root = as_root(container)
            if root is not None:
                path, what = root
                also = " and may gain more rights" if _may_rise(container) else ""
                message = f"container {container.name} {what}{also}"
                yield Problem(pod.place(*path), message)
            elif _may_rise(container):
                yield Problem(
                    container.place("securityContext", "allowPrivilegeEscalation"),
                    f"container {container.name} may become root: allowPrivilegeEscalation is not "
                    "false",
                )


def _may_rise(container: Container) -> bool:
    return setting(container, "allowPrivilegeEscalation")[0] is not False
