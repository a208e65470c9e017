"""When a release that was pushed is in place: Flux has applied it, and upgraded each app."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from conformance.kube.conditions import Condition, matching, reconciled
from conformance.kube.objects import Object, Objects, Selection
from conformance.kube.wait import Wait, wait_all, wait_each
from conformance.platform.tree.progress import is_suspended, wait_for_all
from conformance.services.flux import API_VERSIONS, Flux, hopeless

if TYPE_CHECKING:
    from conformance.kube.client import Kube

_LOST = 12
"""Failures of a release in a row, after which nothing else that is upgraded helps it. With the
suite's controllers they take a minute and a half, by Flux's own delays longer than anybody waits.
"""
CHARTS = Selection(API_VERSIONS["HelmChart"], "HelmChart")


def wait_until_applied(kube: Kube, flux: Flux, commit: str, say: Callable[[str], None]) -> None:
    """Wait until all of the platform is as a commit has it, and Ready.

    A release can be Ready for what it was before the commit. So this also waits until Flux has
    looked at each chart of the repository in the commit, and then until each release was reconciled
    once more, at its chart's version. Raises ``HarnessError`` or ``WaitFailed`` with what is in the
    way.
    """
    flux.reconcile("GitRepository", flux.source)
    wait_for_all(kube, {flux.source: commit}, kube.timeouts.tree, say, lost=_lost())
    found = wait_each(
        kube, CHARTS, _looked_at(flux, commit), minimum=0, timeout=kube.timeouts.reconciliation
    )
    charts, waits = by_name(found), []
    for release in kube.list(API_VERSIONS["HelmRelease"], "HelmRelease"):
        if not is_suspended(release):
            chart = charts.get(str(release.get("status", {}).get("helmChart")))
            waits.append(_upgraded(flux, release, chart))
    wait_all(kube, waits, timeout=kube.timeouts.stack)


def _lost() -> Condition:
    """Return the condition that a release fails time and again; helm may refuse to begin."""
    return matching(f"failed {_LOST} times", lambda item: bool(item["status"]["failures"] >= _LOST))


def by_name(charts: Objects) -> dict[str, Object]:
    """Return HelmCharts by ``NAMESPACE/NAME``: so the status of a HelmRelease names its own."""
    return {
        f"{chart['metadata']['namespace']}/{chart['metadata']['name']}": chart for chart in charts
    }


def _looked_at(flux: Flux, commit: str) -> Condition:
    """Return the condition that a chart is of the commit, or of another source."""

    def test(chart: Object) -> bool:
        source = chart["spec"]["sourceRef"]
        if (source["kind"], source["name"]) != ("GitRepository", flux.source):
            return True
        return is_suspended(chart) or commit in chart["status"]["observedSourceArtifactRevision"]

    return matching(f"built from {commit}", test)


def _upgraded(flux: Flux, release: Object, chart: Object | None) -> Wait:
    """Have a release reconciled; return what to wait for."""
    name, namespace = release["metadata"]["name"], release["metadata"]["namespace"]
    condition = reconciled(requested_at=flux.reconcile("HelmRelease", name, namespace))
    if chart is not None:
        version = chart["status"]["artifact"]["revision"]
        condition &= matching(
            f"at chart {version}",
            lambda item: bool(item["status"]["lastAttemptedRevision"] == version),
        )
    return Wait(flux.ref("HelmRelease", name, namespace), condition, hopeless())
