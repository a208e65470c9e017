"""No label that must stay the same has a version in it.

Whether what Kubernetes allows nobody to change would change with the next version anyway.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from conformance.linter.access import Path, get, mapping, sequence, text
from conformance.linter.facts.changes import dotted
from conformance.linter.facts.cluster import Cluster, each
from conformance.linter.facts.images import tag_of
from conformance.linter.findings import NotRun, Problem, quoted
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage
    from conformance.linter.pods import Pod


_CARRY_VERSIONS = ("helm.sh/chart", "app.kubernetes.io/version", "chart", "version")
"""Labels that by convention have the version of a chart or an app."""
_VERSION = re.compile(r"[0-9]+\.[0-9]+")
_SELECTING = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")


@rule("pods.version-in-label", level=3)
def version_in_label(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each such label."""
    yield from each(app, _versioned)


def _versioned(cluster: Cluster) -> Iterator[Problem]:
    for pod in cluster.judged:
        workload = pod.workload
        if workload.kind not in _SELECTING or workload.forced:
            continue
        versions = _versions(cluster, pod)
        template = cluster.template_of(workload)
        for path, values in _fixed(pod):
            for key, value in values.items():
                found = text(value)
                if found and found not in template and _has_version(key, found, versions):
                    yield Problem(
                        workload.place(*path, key),
                        f"{dotted((*path, key))} is {quoted(found)}: it changes with the version, "
                        f"and Kubernetes then refuses {workload.kind} {workload.name}",
                    )


def _fixed(pod: Pod) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """Yield the labels, and the like, that Kubernetes allows nobody to change."""
    path: Path = ("spec", "selector", "matchLabels")
    yield path, mapping(pod.workload.get(*path))
    if pod.workload.kind != "StatefulSet":
        return
    yield ("spec",), {"serviceName": pod.workload.get("spec", "serviceName")}
    for index, claim in enumerate(sequence(pod.workload.get("spec", "volumeClaimTemplates"))):
        for part in ("labels", "annotations"):
            inner = ("metadata", part)
            yield ("spec", "volumeClaimTemplates", index, *inner), mapping(get(claim, *inner))


def _versions(cluster: Cluster, pod: Pod) -> set[str]:
    """Return the versions that change when the app is upgraded: of chart, app and images."""
    found = {tag_of(text(one.value.get("image"))) for one in pod.containers}
    chart = cluster.chart_of(pod.workload)
    if chart is not None:
        found |= {chart.version, text(get(chart.metadata.value, "appVersion"))}
    # A label has no "+".
    return {one.replace("+", "_") for one in found if _VERSION.search(one)}


def _has_version(key: str, value: str, versions: set[str]) -> bool:
    if key in _CARRY_VERSIONS and _VERSION.search(value):
        return True
    return any(
        re.search(rf"(?<![0-9.]){re.escape(one)}(?![0-9.]|\w)", value[:253]) for one in versions
    )
