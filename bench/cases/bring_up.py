"""From nothing to a node that runs pods and answers names, and back to nothing."""

from __future__ import annotations

import secrets
import struct
import time
from typing import TYPE_CHECKING

from bench.catalogue import Measure, Samples, benchmark
from bench.lab import NODE_PARTS, Lab, Stopwatch
from conformance.clusters.kind.cluster import KindCluster
from conformance.common.errors import HarnessError
from conformance.platform.reference import ReferenceStack

if TYPE_CHECKING:
    from conformance.clusters.base import Cluster
    from conformance.components.builder import Components

DNS_ADDRESS = "10.96.0.10"
NAME = "kubernetes.default.svc.cluster.local"
_HEADER = struct.Struct("!6H")
_ANSWER_OK = 0x8000
"""In a reply's flags: it is one. The last four bits, the error, must be zero."""
_ASK = f"exec 3<>/dev/udp/{DNS_ADDRESS}/53; cat >&3; timeout 0.1 dd bs=512 count=1 status=none <&3"
"""bash, which every Debian has: no other tool that asks name servers is sure to be there."""


@benchmark(
    "cluster",
    Measure("node Ready", target=4.0),
    Measure("DNS answers", target=6.0),
    Measure("teardown", target=0.5),
)
def bring_up(lab: Lab) -> Samples:
    """From nothing to a Ready node, to CoreDNS answering, and back to nothing.

    Both count from the start, and contain that the parts are verified, as in every run. Teardown
    is until no process, mount, interface and cgroup is left; files go in the background after it.
    """
    clock = Stopwatch()
    components = lab.new_components()
    components.require(*NODE_PARTS)
    verified = clock.seconds
    with lab.cluster(components) as cluster:
        return {"parts verified": [verified], **_from_start(lab, cluster, components, clock)}


@benchmark(
    "kind",
    Measure("engine and image"),
    Measure("node Ready", target=15.0),
    Measure("DNS answers", target=28.0),
    Measure("teardown"),
)
def kind(lab: Lab) -> Samples:
    """The same on kind: from an engine that has the node image to CoreDNS answering, and back.

    Where no Docker engine answers, ``engine and image`` is the start of a private one, and what it
    takes to load the image into it; the other times begin after that.
    """
    with lab.cluster(provider="kind") as cluster:
        assert isinstance(cluster, KindCluster)
        clock = Stopwatch()
        cluster.prepare()
        prepared = clock.seconds
        return {
            "engine and image": [prepared],
            **_from_start(lab, cluster, lab.components, Stopwatch()),
        }


def _from_start(lab: Lab, cluster: Cluster, components: Components, clock: Stopwatch) -> Samples:
    cluster.start()
    ready = clock.seconds
    with lab.client(cluster) as kube:
        ReferenceStack(lab.settings, cluster, kube, components, say=_silent).dns()
    running = clock.seconds
    await_answer(cluster, lab.settings.timeouts.dns)
    answers = clock.seconds
    clock = Stopwatch()
    cluster.delete()
    return {
        "node Ready": [ready],
        "CoreDNS rolled out": [running],
        "DNS answers": [answers],
        "teardown": [clock.seconds],
    }


def await_answer(cluster: Cluster, timeout: float) -> None:
    """Ask the cluster's DNS on the node until it has an answer; ``timeout`` in seconds.

    Nothing tells when a Service's rules are in place, so this asks again and again. HarnessError.
    """
    deadline = time.monotonic() + timeout
    while True:
        number = secrets.randbelow(1 << 16)
        answer = cluster.node_run(["bash", "-c", _ASK], stdin=query(number, NAME)).stdout
        if has_address(answer, number):
            return
        if time.monotonic() > deadline:
            raise HarnessError(
                f"the cluster's DNS does not answer for {NAME} within {timeout:g} s",
                "look at CoreDNS: stackspin-conformance cluster up, then bootstrap by a check",
            )


def query(number: int, name: str) -> bytes:
    """Return a query for the IPv4 address of ``name`` (RFC 1035, section 4.1)."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return _HEADER.pack(number, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", 1, 1)


def has_address(answer: bytes, number: int) -> bool:
    """Whether a message is the reply to the query of this number, without error, with a record."""
    if len(answer) < _HEADER.size:
        return False
    id_, flags, _, records, _, _ = _HEADER.unpack_from(answer)
    return id_ == number and bool(flags & _ANSWER_OK) and not flags & 0xF and records > 0


def _silent(_: str) -> None:
    """Say nothing."""
