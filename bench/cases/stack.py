"""From an empty cluster to the whole of Stackspin with an app on it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from bench.catalogue import Measure, Samples, benchmark
from bench.lab import Lab, Stopwatch
from conformance.apps.image_builds import NOTES
from conformance.platform.reference import ReferenceStack

PREPARATIONS = {"namespaces", "variables", "certificate", "sources"}
"""Steps of a moment, which nothing waits for."""


@benchmark("stack", Measure("all Ready", target=90.0), Measure("teardown", target=0.5))
def stack(lab: Lab) -> Samples:
    """Flux, the platform, single sign-on, backups and notes: from an empty cluster to all Ready.

    From a Ready node with an empty registry: DNS and Git server, Flux, ingress, storage, operator,
    then side by side single sign-on and backups, then the app, each by a commit. "until ..." are
    the ends of steps, which overlap.
    """
    lab.notes  # noqa: B018 - builds it before the clock runs
    with lab.running() as (cluster, kube), ThreadPoolExecutor(2) as executor:
        clock = Stopwatch()
        installed = ReferenceStack(
            lab.settings, cluster, kube, lab.new_components(), say=lambda _: None
        )
        try:
            pushed = executor.submit(lab.push_notes, cluster)
            backups = executor.submit(installed.backups)
            installed.single_sign_on()
            pushed.result()
            installed.app(NOTES)
            backups.result()
            seconds = clock.seconds
            ends = installed.ends()
        finally:
            installed.close()
        clock = Stopwatch()
        cluster.delete()
        steps = sorted(ends.keys() - PREPARATIONS, key=lambda step: ends[step])
        return {
            **{f"until {step}": [ends[step]] for step in steps if not step.startswith("image ")},
            "all Ready": [seconds],
            "teardown": [clock.seconds],
        }
