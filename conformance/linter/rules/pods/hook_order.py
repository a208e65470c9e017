"""What a pod needs is created before it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.access import text
from conformance.linter.facts.cluster import Cluster, each, same_namespace
from conformance.linter.facts.needs import needs_of
from conformance.linter.facts.storage import CLAIM, mounts_of
from conformance.linter.findings import NotRun, Problem, quoted
from conformance.linter.rule import rule
from conformance.linter.rules.pods.shared_hooks import (
    AFTER,
    BEFORE,
    is_hook,
    runs_at,
    when_it_runs,
)

if TYPE_CHECKING:
    from conformance.linter.access import Path
    from conformance.linter.app import AppPackage
    from conformance.linter.manifest import Manifest
    from conformance.linter.pods import Pod


_WEIGHT = "helm.sh/hook-weight"
_DELETED, _SUCCEEDED = "helm.sh/hook-delete-policy", "hook-succeeded"


@rule("pods.hook-order", level=2)
def hook_order(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each reference of a pod to an object that comes after it."""
    yield from each(app, _too_early)


def _too_early(cluster: Cluster) -> Iterator[Problem]:
    for pod in cluster.judged:
        if not pod.workload.rendered:
            continue
        for kind, name, path in _needed(pod):
            made = _maker(cluster, kind, name, pod)
            when = _away(made, pod.workload) if made is not None else ""
            if when:
                who = f"the {when_it_runs(pod.workload)} hook " if is_hook(pod.workload) else ""
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


def _away(made: Manifest, user: Manifest) -> str:
    """Return why an object is not there when the other's pods start; empty: it is."""
    if _later(made, user):
        return f"a hook for {when_it_runs(made)}" if is_hook(made) else "created after the hook"
    if is_hook(made) and not is_hook(user) and _SUCCEEDED in text(made.annotations.get(_DELETED)):
        return f"deleted once the hooks for {when_it_runs(made)} have succeeded"
    return ""


def _later(made: Manifest, user: Manifest) -> bool:
    """Return whether the first installation has one object only after the other's pods run."""
    if runs_at(user, BEFORE):
        if runs_at(made, BEFORE):
            return _weight(made) > _weight(user)
        # Without a hook for pre-install, it was never there when the first one runs.
        return True
    return runs_at(made, AFTER) and not runs_at(made, BEFORE) and not is_hook(user)


def _weight(manifest: Manifest) -> int:
    written = text(manifest.annotations.get(_WEIGHT))[:9]
    return int(written) if re.fullmatch(r"-?[0-9]+", written) else 0
