"""Whether what a hook of Helm needs is there when the hook runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import get, sequence, text
from conformance.linter.facts.cluster import Cluster, each, same_namespace, selector_of
from conformance.linter.facts.needs import needs_of
from conformance.linter.facts.storage import CLAIM, mounts_of
from conformance.linter.findings import NotRun, Problem, Severity, quoted
from conformance.linter.manifest import HOOK
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.access import Path
    from conformance.linter.app import AppPackage
    from conformance.linter.manifest import Manifest
    from conformance.linter.pods import Pod

_HOOKS = "https://helm.sh/docs/topics/charts_hooks/"
_WEIGHT = "helm.sh/hook-weight"
_BEFORE, _AFTER = "pre-install", "post-install"
_ADDRESS = re.compile(r"HOST|URL|URI|DSN|ADDR|SERVER|ENDPOINT", re.IGNORECASE)


@rule(
    "pods.hook-order",
    "What a pod needs is created before it",
    level=2,
    why="Helm creates nothing else before the hooks for pre-install have ended, and runs those for "
    "post-install when the app is ready. A pod that needs something from a later step never "
    "starts: the installation hangs until its time is up, and fails.",
    source=f"{_HOOKS}#hooks-and-the-release-lifecycle",
    fix="Make what the hook needs a hook, too, with a lower helm.sh/hook-weight; or run the hook "
    "at post-install, or as an init container.",
    example="""
kind: ConfigMap
metadata:
  annotations:
    helm.sh/hook: pre-install,pre-upgrade
    helm.sh/hook-weight: "-5" # that of the Job that reads it is 0
""",
)
def hook_order(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each reference of a pod to an object that comes after it."""
    yield from each(app, _too_early)


def _too_early(cluster: Cluster) -> Iterator[Problem]:
    for pod in cluster.judged:
        if not pod.workload.rendered:
            continue
        for kind, name, path in _needed(pod):
            made = _maker(cluster, kind, name, pod)
            if made is not None and _later(made, pod.workload):
                when = f"a hook for {_when(made)}" if _is_hook(made) else "created after the hook"
                who = f"the {_when(pod.workload)} hook " if _is_hook(pod.workload) else ""
                yield Problem(
                    pod.place(*path),
                    f"{who}{pod.workload.kind} {pod.workload.name} needs {kind} {quoted(name)}, "
                    f"which is {when}: it never starts",
                )


def _needed(pod: Pod) -> Iterator[tuple[str, str, Path]]:
    for need in needs_of(pod):
        yield need.kind, need.name, need.path
    for mount in mounts_of(pod):
        yield CLAIM, mount.claim, mount.path


def _maker(cluster: Cluster, kind: str, name: str, pod: Pod) -> Manifest | None:
    """Return the chart's object of that name; None if something else makes it, too."""
    found = [
        one
        for one in cluster.objects(kind)
        if one.name == name and same_namespace(one.namespace, pod.workload.namespace)
    ]
    return found[0] if len(found) == 1 and found[0].rendered else None


def _later(made: Manifest, user: Manifest) -> bool:
    """Return whether the first installation has one object only after the other's pods run."""
    if _runs(user, _BEFORE):
        if _runs(made, _BEFORE):
            return _weight(made) > _weight(user)
        # Without a hook for pre-install, it was never there when the first one runs.
        return True
    return _runs(made, _AFTER) and not _runs(made, _BEFORE) and not _is_hook(user)


def _is_hook(manifest: Manifest) -> bool:
    return bool(_when(manifest))


def _when(manifest: Manifest) -> str:
    return text(manifest.annotations.get(HOOK))


def _runs(manifest: Manifest, moment: str) -> bool:
    return moment in [one.strip() for one in _when(manifest).split(",")]


def _weight(manifest: Manifest) -> int:
    written = text(manifest.annotations.get(_WEIGHT))[:9]
    return int(written) if re.fullmatch(r"-?[0-9]+", written) else 0


@rule(
    "pods.hook-service",
    "A hook before the installation asks no server that the chart installs",
    level=2,
    severity=Severity.WARNING,
    why="Helm creates the chart's database, and the Service in front of it, only when the hooks "
    "for pre-install have ended: the hook waits for it until its time is up, and the first "
    "installation fails.",
    source=f"{_HOOKS}#hooks-and-the-release-lifecycle",
    fix="Run the hook at post-install and pre-upgrade, or as an init container of the app.",
    example="""
metadata:
  annotations:
    helm.sh/hook: post-install,pre-upgrade
""",
)
def hook_service(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each setting of a hook that names a Service which is not there yet."""
    yield from each(app, _unserved)


def _unserved(cluster: Cluster) -> Iterator[Problem]:
    services = [
        one.name
        for one in cluster.objects("Service")
        if one.rendered and one.name and not _is_hook(one) and selector_of(one)
    ]
    for pod in cluster.judged:
        if not (pod.workload.rendered and _runs(pod.workload, _BEFORE)):
            continue
        for container in pod.containers:
            for index, entry in enumerate(sequence(container.value.get("env"))):
                value = text(get(entry, "value"))[:1000]
                if not _ADDRESS.search(text(get(entry, "name"))):
                    continue
                name = next((one for one in services if _is_host(one, value)), "")
                if name:
                    yield Problem(
                        container.place("env", index, "value"),
                        f"the {_when(pod.workload)} hook {pod.workload.kind} "
                        f"{pod.workload.name} asks Service {name}, which is created after it",
                    )


def _is_host(service: str, value: str) -> bool:
    """Return whether an address has a Service as its host."""
    return bool(re.search(rf"(^|//|@|,){re.escape(service)}($|[:/,]|\.[a-z0-9-]+)", value))
