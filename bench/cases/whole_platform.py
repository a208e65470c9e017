"""From nothing to the whole of Stackspin, installed or as a fork of a snapshot; what it takes."""

from __future__ import annotations

import os
import time
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from bench.cases.memory import SETTLE_SECONDS, memory_of
from bench.catalogue import Measure, Samples, benchmark
from bench.lab import Lab, Stopwatch
from bench.machine import busy_share
from conformance.apps.whole_platform import whole_platform
from conformance.common.redaction import Redactor
from conformance.platform.site import SiteMaker
from conformance.platform.snapshots import AUTO, make_if_missing, start

if TYPE_CHECKING:
    from conformance.platform.site import Site

LOOK_SECONDS = 15.0
"""How long an idle platform's use of the processors is watched."""
LOGIN = "login page answers"


@benchmark(
    "platform",
    Measure("node Ready"),
    Measure("all Ready"),
    Measure(LOGIN, target=55.0),
    Measure("memory when idle", unit="MiB", target=3072.0),
    Measure("CPU when idle", unit="%"),
)
def installed(lab: Lab) -> Samples:
    """All levels and both apps, installed afresh, to the login page; then what they take when idle.

    From the start of the command: parts are verified and the apps' images built in it. Idle is 15 s
    after that: the memory of all processes of the node, a page that several share counted once, and
    the CPU time that the machine uses in the next 15 s, in percent of one processor.
    """
    clock = Stopwatch()
    maker = SiteMaker(lab.settings, lab.new_components(), Redactor(), _silent)
    with closing(maker.components), lab.cluster(maker.components) as cluster:
        cluster.start()
        node = clock.seconds
        site = maker.site(cluster)
        with closing(site.kube), closing(site.stack):
            whole_platform(maker).install(site)
            ready = clock.seconds
            _await_login(site)
            login = clock.seconds
            time.sleep(SETTLE_SECONDS)
            return {
                "node Ready": [node],
                "all Ready": [ready],
                LOGIN: [login],
                "memory when idle": [memory_of(cluster)["Pss"]],
                "CPU when idle": [100 * busy_share(LOOK_SECONDS) * (os.cpu_count() or 1)],
            }


@benchmark(
    "snapshot",
    Measure("node Ready"),
    Measure("all Ready"),
    Measure(LOGIN, target=10.0),
    Measure("disk of the fork", unit="MiB", target=300.0),
)
def forked(lab: Lab) -> Samples:
    """All levels and both apps from a snapshot, to the login page that a browser is led to.

    From the start of the command, with the parts and the snapshot verified. The snapshot is made
    before the clock runs, if need be. All Ready is when every pod runs again.
    """
    settings = replace(lab.settings, cluster="embedded")
    before = SiteMaker(settings, lab.components, Redactor(), print, snapshot=AUTO)
    make_if_missing(before, before.cluster(), whole_platform(before))
    clock = Stopwatch()
    maker = replace(before, components=lab.new_components())
    with closing(maker.components), lab.cluster(maker.components, provider="embedded") as cluster:
        free = lab.free_disk()
        start(maker, cluster, whole_platform(maker))
        node = clock.seconds
        site = maker.site(cluster)
        with closing(site.kube), closing(site.stack):
            site.stack.single_sign_on()
            pods = clock.seconds
            _await_login(site)
            login = clock.seconds
            return {
                "node Ready": [node],
                "all Ready": [pods],
                LOGIN: [login],
                "disk of the fork": [(free - lab.free_disk()) / (1 << 20)],
            }


def _await_login(site: Site) -> None:
    """Return when the page answers that ``notes`` leads to. Raises HarnessError if none does."""
    http = site.stack.http()
    http.get_routed(f"https://notes.{site.stack.clients.platform.domain}/").raise_for_status()


def _silent(_: str) -> None:
    """Say nothing."""
