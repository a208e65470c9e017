"""What the report of a run says of its clusters, when it has several: all that each process says.

Unlike ``merge``, which makes one report of several runs, this is one run while it goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from conformance.report.environment import ClusterInfo, InstallationStep
from conformance.report.model import RunReport

_T = TypeVar("_T")


def combine(report: RunReport, each: Sequence[RunReport]) -> None:
    """Bring up to date what ``report`` says of the clusters; its checks are not looked at.

    ``each`` is what every process says by now of its own cluster.
    """
    report.cluster = _cluster([one.cluster for one in each if one.cluster])
    report.platform = next((one.platform for one in each if one.platform), None)
    report.components = _once(part for one in each for part in one.components)
    report.obtained = sorted(
        (part for one in each for part in one.obtained),
        key=lambda part: part.began + part.seconds,
    )
    report.substitutes = _once(part for one in each for part in one.substitutes)
    report.building_seconds = round(sum(one.building_seconds for one in each), 3)
    report.installation = sorted(_steps(each), key=lambda step: step.began)
    report.not_installed = {what: why for one in each for what, why in one.not_installed.items()}


def _cluster(clusters: Sequence[ClusterInfo]) -> ClusterInfo | None:
    """Return the first cluster, with the names of all."""
    if not clusters:
        return None
    return clusters[0].model_copy(update={"name": ", ".join(one.name for one in clusters)})


def _steps(each: Sequence[RunReport]) -> Iterable[InstallationStep]:
    """Return the steps of all installations, each with its cluster."""
    for one in each:
        own = {"cluster": one.cluster.name} if one.cluster else {}
        for step in one.installation:
            yield step if step.cluster else step.model_copy(update=own)


def _once(values: Iterable[_T]) -> list[_T]:
    """Return each value once, in order; they need not be hashable."""
    found: list[_T] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found
