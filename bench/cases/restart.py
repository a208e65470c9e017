"""How long a killed node is away."""

from __future__ import annotations

from bench.catalogue import Measure, Samples, benchmark
from bench.lab import Lab, Stopwatch
from conformance.apps.smoke import exposed_port, pod_of
from conformance.kube.conditions import matching, ready
from conformance.kube.objects import Object, Ref
from conformance.kube.wait import wait

POD = Ref("v1", "Pod", "notes", "default")


@benchmark("restart", Measure("node Ready again"), Measure("app Ready again"))
def restart(lab: Lab) -> Samples:
    """SIGKILL of a node that runs an app, and restart until the app's pod is Ready again.

    From the kill on. Ready again is a new container that passes the app's readiness probe.
    """
    port = exposed_port(lab.notes.configuration())
    with lab.running() as (cluster, kube):
        pod = pod_of(lab.push_notes(cluster), port, "notes", "default")
        pod["spec"]["restartPolicy"] = "Always"
        kube.create(pod)
        old = _container(wait(kube, POD, ready()))
        another = matching("in another container", lambda item: _container(item) != old)
        clock = Stopwatch()
        cluster.kill_node()
        cluster.restart_node()
        node = clock.seconds
        wait(kube, POD, ready() & another)
        return {"node Ready again": [node], "app Ready again": [clock.seconds]}


def _container(pod: Object) -> str:
    return str(pod["status"]["containerStatuses"][0]["containerID"])
