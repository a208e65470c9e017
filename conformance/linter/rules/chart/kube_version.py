"""The chart allows the version of Kubernetes that Stackspin runs on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter import semver
from conformance.linter.findings import Problem, quoted
from conformance.linter.rule import rule
from conformance.linter.rules.chart.shared import metadata_of, place_of

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("chart.kube-version", level=1)
def kube_version(app: AppPackage) -> Iterator[Problem]:
    """Yield each constraint that does not allow the cluster's version."""
    pinned = app.versions.kubernetes_release
    cluster = semver.parse(pinned)
    for chart, metadata in metadata_of(app):
        wanted = str(metadata.get("kubeVersion") or "")
        if not wanted or cluster is None:
            continue
        allowed = semver.satisfies(cluster, wanted)
        if allowed is None:
            says = f"kubeVersion {quoted(wanted)} of chart {chart.name} is not a valid constraint"
            yield Problem(place_of(chart, "kubeVersion"), says)
        elif not allowed:
            says = f"kubeVersion {quoted(wanted)} of chart {chart.name} does not allow {pinned}"
            yield Problem(place_of(chart, "kubeVersion"), says)
