"""A platform with more apps than one server has."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from conformance.common.load import LoadMeter
from conformance.suite.check import check, not_run

if TYPE_CHECKING:
    from conformance.capabilities.operations.many_releases import ManyReleases
    from conformance.report.evidence import EvidenceBox

PATIENCE = 300.0
"""Seconds from the push on, on an idle machine."""
MEMORY = 512.0
"""MiB."""


@check(
    "operations.many_releases",
    level="extended",
    promise="Flux installs 200 releases from one commit within five minutes, and none of its "
    "controllers takes more than 512 MiB of memory.",
    touches="platform",
    effect="installs 200 releases, and removes them",
)
def test_many_releases(many_releases: ManyReleases, evidence: EvidenceBox) -> None:
    limit = PATIENCE * LoadMeter().read().slowdown  # by others: that of the releases comes later
    meter, began = LoadMeter(), time.monotonic()
    many_releases.push()
    many_releases.wait_applied(timeout=2 * limit)
    seconds, load = time.monotonic() - began, meter.read()
    evidence.measure(f"from the push to {many_releases.number} releases", seconds, load=load)
    installed, memory = many_releases.installed(), many_releases.memory()
    for container, peak in memory.items():
        evidence.measure(f"memory peak of {container}", peak, "MiB")
    with evidence.timed(f"removal of {many_releases.number} releases"):
        many_releases.remove()
    missing = many_releases.number - len(installed)
    assert not missing, f"{missing} of {many_releases.number} releases have installed nothing"
    assert seconds <= limit, f"it took {seconds:.0f} s, more than {limit:.0f} s ({load})"
    if not memory:
        not_run("the kubelet does not tell how much memory Flux's controllers take")
    large = [f"{name} {peak:.0f} MiB" for name, peak in memory.items() if peak > MEMORY]
    assert not large, f"more than {MEMORY:.0f} MiB of memory: {', '.join(large)}"
