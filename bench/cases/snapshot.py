"""From nothing to the whole of Stackspin, by a fork of a snapshot."""

from __future__ import annotations

from dataclasses import replace

from bench.catalogue import Measure, Samples, benchmark
from bench.lab import Lab, Stopwatch
from conformance.apps.whole_platform import whole_platform
from conformance.common.redaction import Redactor
from conformance.platform.site import SiteMaker
from conformance.platform.snapshots import AUTO, make_if_missing, start


@benchmark(
    "snapshot",
    Measure("node Ready"),
    Measure("all Ready"),
    Measure("login page answers", target=10.0),
    Measure("disk of the fork", unit="MiB", target=300.0),
)
def snapshot(lab: Lab) -> Samples:
    """All levels and both apps from a snapshot, to the login page that a browser is led to.

    From the start of the command, with the parts and the snapshot verified. The snapshot is made
    before the clock runs, if need be. All Ready is when every pod runs again.
    """
    settings = replace(lab.settings, cluster="embedded")
    before = SiteMaker(settings, lab.components, Redactor(), print, snapshot=AUTO)
    make_if_missing(before, before.cluster(), whole_platform(before))
    clock = Stopwatch()
    maker = replace(before, components=lab.new_components())
    with lab.cluster(maker.components, provider="embedded") as cluster:
        free = lab.free_disk()
        start(maker, cluster, whole_platform(maker))
        node = clock.seconds
        site = maker.site(cluster)
        try:
            site.stack.single_sign_on()
            pods = clock.seconds
            http = site.stack.http()
            http.get_routed(f"https://notes.{settings.domain}/").raise_for_status()
            login = clock.seconds
            return {
                "node Ready": [node],
                "all Ready": [pods],
                "login page answers": [login],
                "disk of the fork": [(free - lab.free_disk()) / (1 << 20)],
            }
        finally:
            site.stack.close()
            site.kube.close()
            maker.components.close()
