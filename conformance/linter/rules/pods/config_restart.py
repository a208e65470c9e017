"""A pod is replaced when its configuration changes.

Whether a pod gets the settings that are meant for it, when they are meant for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import mapping, sequence, text
from conformance.linter.facts.cluster import Cluster, each
from conformance.linter.facts.needs import needs_of
from conformance.linter.findings import NotRun, Problem, Severity, quoted
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage
    from conformance.linter.facts.needs import Need
    from conformance.linter.manifest import Manifest
    from conformance.linter.pods import Container, Pod


_SUM = re.compile(r"[0-9a-f]{32,128}")
_ABOUT_SUMS = re.compile(r"checksum|sha(1|256)|hash|config-?(version|revision)", re.IGNORECASE)
_CONFIGURATION = re.compile(r"^/etc/|conf")
"""Folders of files that programs read when they start."""
_GENERATED = re.compile(r".*-[bcdfghkmt2456789]{10}")
"""A name with the sum that kustomize adds: it changes with the content."""


@rule("pods.config-restart", level=2, severity=Severity.NOTE)
def config_restart(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield the first object of each pod whose changes go unnoticed."""
    yield from each(app, _unnoticed)


def _unnoticed(cluster: Cluster) -> Iterator[Problem]:
    for pod in cluster.servers:
        if _replaced(pod):
            continue
        for need in needs_of(pod):
            made = [one for one in cluster.objects(need.kind) if one.name == need.name]
            if made and _read_once(pod, need) and all(_may_change(one) for one in made):
                yield Problem(
                    pod.place(*need.path),
                    f"the pods of {pod.workload.kind} {pod.workload.name} read {need.kind} "
                    f"{quoted(need.name)}, but nothing restarts them when it changes",
                )
                break


def _read_once(pod: Pod, need: Need) -> bool:
    """Return whether a pod has the content as it was when it started.

    Kubernetes renews the files of a volume, and those of a web site may be read at each request.
    """
    if need.path[1] != "volumes":
        return True
    volume = text(pod.get(*need.path[:3], "name"))
    for container in pod.containers:
        for mount in map(mapping, sequence(container.value.get("volumeMounts"))):
            path = text(mount.get("mountPath"))
            if mount.get("name") == volume and (
                mount.get("subPath")
                or (_CONFIGURATION.search(path) and not _is_told(container, path))
            ):
                return True
    return False


def _is_told(container: Container, folder: str) -> bool:
    """Return whether a program is given the folder as an argument: it may watch it."""
    return any(
        folder in text(word)
        for part in ("command", "args")
        for word in sequence(container.value.get(part))
    )


def _replaced(pod: Pod) -> bool:
    """Return whether the pod template, or a controller that is asked to, follows its settings."""
    if any("reload" in str(key) for key in pod.workload.annotations):
        return True
    return any(
        _ABOUT_SUMS.search(str(key)) or _SUM.fullmatch(text(value))
        for key, value in {**pod.annotations, **pod.labels}.items()
    )


def _may_change(made: Manifest) -> bool:
    """Return whether an object has content of the package's that the next version may change."""
    if made.kind != "ConfigMap" and not made.rendered:
        return False  # a Secret in a package has nothing but what is generated
    if made.document is None and not made.rendered:
        return False  # kustomize makes it, and gives it another name when its content changes
    literal = any(mapping(made.get(part)) for part in ("data", "stringData", "binaryData"))
    return literal and made.get("immutable") is not True and not _GENERATED.fullmatch(made.name)
