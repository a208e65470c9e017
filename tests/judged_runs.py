"""Hand-made results of the package linter with a run on a cluster."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cluster_runs import FOLDER, a_run
from linter_results import HOSTILE, a_finding, a_result, an_app, an_app_result

from conformance.linter.on_cluster.merge import merged
from conformance.linter.result import Evidence, Result

FAILED = "app_runs.survives_pod_deletion"
"""The check that one of them has failed."""


def two_apps() -> Result:
    """Return what files and checks say of notes and WordPress; paths are as seen from here."""
    apps = [an_app_result(a_finding()), an_app_result(app=an_app("wordpress"))]
    return merged(a_result(*apps), a_run(Path("reports")))


def hostile_run(result: Result) -> Result:
    """Return a result in which every text is somebody's who means harm."""
    assert result.cluster
    checks = [
        replace(
            one,
            app=HOSTILE,
            check=replace(one.check, promise=HOSTILE),
            reason=f"{HOSTILE}{HOSTILE}To do: {HOSTILE}",
            measured=(HOSTILE,),
            evidence=(Evidence(HOSTILE, Path("reports") / FOLDER / "evidence" / HOSTILE.strip()),),
        )
        for one in result.cluster.checks
        if one.app == "notes"
    ]
    checks.append(replace(checks[0], verdict=HOSTILE))
    run = replace(
        result.cluster, checks=tuple(checks), errors=(HOSTILE,), cluster=HOSTILE, trouble=HOSTILE
    )
    return merged(a_result(an_app_result(app=an_app(HOSTILE))), run)
