"""Whether an app that is taken over by somebody takes the server with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts.cluster import Cluster, each
from conformance.linter.facts.confinement import (
    as_root,
    breaches,
    breaches_of_pod,
    is_privileged,
    setting,
)
from conformance.linter.findings import NotRun, Problem, Severity
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage
    from conformance.linter.pods import Container

_STANDARDS = "https://kubernetes.io/docs/concepts/security/pod-security-standards/"


@rule(
    "confinement.node",
    "A pod has no rights on the node",
    level=3,
    why="Whoever takes over such an app controls the server, with all other apps and their data.",
    source=f"{_STANDARDS}#baseline",
    fix="Remove the setting: an app that serves web pages on a port above 1024 and keeps its "
    "files on a claim needs none of them.",
    example="""
securityContext:
  allowPrivilegeEscalation: false
  capabilities:
    drop: [ALL]
""",
)
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


@rule(
    "confinement.user",
    "A container does not run as root, and cannot become it",
    level=3,
    severity=Severity.WARNING,
    why="From root in a container it is one step to root on the server: one flaw in the kernel or "
    "in the container runtime is enough.",
    source=f"{_STANDARDS}#restricted",
    fix="Set runAsNonRoot: true with the user that the image is made for, and "
    "allowPrivilegeEscalation: false. If an image needs root, look for a newer one.",
    example="""
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  allowPrivilegeEscalation: false
""",
)
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
