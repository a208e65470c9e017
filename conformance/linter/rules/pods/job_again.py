"""A Job has another name in each version, or is removed before the next one.

Whether a Job that runs once can be there again in the next version.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts.cluster import Cluster, each
from conformance.linter.findings import NotRun, Problem, Severity
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage
    from conformance.linter.manifest import Manifest


_CHANGING = re.compile(r"Revision|rand(Alpha|Numeric|Ascii)|now\b|sha(1|256)sum|uuidv4|genCA")
"""What makes the name of a rendered object another one in each version."""
_VERSION = re.compile(r"[0-9]+[.-][0-9]+")


@rule("pods.job-again", level=3, severity=Severity.WARNING)
def job_again(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each Job that an upgrade finds in its way."""
    yield from each(app, _lasting)


def _lasting(cluster: Cluster) -> Iterator[Problem]:
    for job in cluster.objects("Job"):
        goes = job.get("spec", "ttlSecondsAfterFinished") is not None
        if goes or job.hook or not cluster.certain(job) or _replaced(cluster, job):
            continue
        yield Problem(
            job.place("metadata", "name"),
            f"Job {job.name} is still there at the next upgrade, which cannot change it",
        )


def _replaced(cluster: Cluster, job: Manifest) -> bool:
    if job.forced or _VERSION.search(job.name):
        return True
    if not job.name or _CHANGING.search(cluster.template_of(job)):
        return True
    chart = cluster.chart_of(job)
    return any(
        release.chart is chart and release.manifest.get("spec", "upgrade", "force") is True
        for release in cluster.app.releases
        if job.rendered
    )
