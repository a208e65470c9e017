"""How much memory a bare node needs when nothing happens on it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bench.catalogue import Measure, Samples, benchmark
from bench.lab import Lab
from bench.proportional import sums

if TYPE_CHECKING:
    from conformance.clusters.base import Cluster

SETTLE_SECONDS = 15.0
"""After Ready; the start's garbage is collected by then, as nobody would call a start idle."""
KIB = 1024.0
"""In a MiB."""


@benchmark(
    "memory",
    Measure("resident", "MiB", target=1024.0),
    Measure("proportional", "MiB"),
)
def memory(lab: Lab) -> Samples:
    """Idle memory of the bare cluster: what its processes have in memory.

    Sums over all processes of the node, 15 s after it is Ready; the second one counts a page that
    several processes share (of their binary's file) once. Files' page cache is not in it.
    """
    with lab.running() as (cluster, _):
        time.sleep(SETTLE_SECONDS)
        used = memory_of(cluster)
    return {"resident": [used["Rss"]], "proportional": [used["Pss"]]}


def memory_of(cluster: Cluster) -> dict[str, float]:
    """Return what all processes of a cluster's node have in memory, MiB: their Rss and Pss."""
    shown = cluster.node_run(["sh", "-c", "cat /proc/[0-9]*/smaps_rollup"])
    return {name: used / KIB for name, used in sums(shown.stdout.decode()).items()}
