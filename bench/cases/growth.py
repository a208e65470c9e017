"""How a platform takes more and more apps."""

from __future__ import annotations

from contextlib import closing

from bench.cases.memory import memory_of
from bench.catalogue import Measure, Samples, benchmark
from bench.lab import Lab, Stopwatch
from conformance.apps.tracked import TrackedBranch
from conformance.capabilities.operations.many_releases import ManyReleases
from conformance.platform.reference import ReferenceStack
from conformance.platform.site import Site

RELEASES = (1, 10, 100)
PATIENCE = 600.0
"""Seconds for all of a commit's releases, on a slow machine."""
READY = "{} Ready"
MEMORY = "memory with {}"


@benchmark(
    "growth",
    *(Measure(READY.format(number)) for number in RELEASES),
    *(Measure(MEMORY.format(number), unit="MiB") for number in RELEASES),
    by_default=False,
)
def growth(lab: Lab) -> Samples:
    """Commits of 1, 10 and 100 HelmReleases: each from its push until all are Ready.

    On a platform with single sign-on and no app. A release is of one chart that has nothing but a
    ConfigMap, so what is measured is Flux and the API server. Those of a commit are removed before
    the next one. Memory is that of all processes of the node when all are Ready.
    """
    seconds, memory = [], []
    with lab.running() as (cluster, kube):
        stack = ReferenceStack(
            lab.settings, cluster, kube, lab.new_components(), say=lambda _: None
        )
        with closing(stack):
            branch = TrackedBranch.of(Site(cluster, kube, stack))
            for number in RELEASES:
                releases = ManyReleases(branch, f"growth-{number}", number)
                clock = Stopwatch()
                releases.push()
                releases.wait_applied(PATIENCE)
                seconds.append(clock.seconds)
                memory.append(memory_of(cluster)["Pss"])
                releases.remove()
    return {
        **{READY.format(number): [one] for number, one in zip(RELEASES, seconds, strict=True)},
        **{MEMORY.format(number): [one] for number, one in zip(RELEASES, memory, strict=True)},
    }
