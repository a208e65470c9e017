"""An upgrade that is interrupted goes on by itself: nobody helps, and nobody commits again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.capabilities.operations.upgrade import COMMITS, VERSION_2, Upgrade
from conformance.clusters.base import Feature
from conformance.suite.check import check, not_run

if TYPE_CHECKING:
    from conformance.apps.flux_package import Commit
    from conformance.apps.tracked import TrackedApp
    from conformance.capabilities.operations.helm_controller import HelmController
    from conformance.capabilities.operations.image_registry import ImageRegistry
    from conformance.report.evidence import EvidenceBox


@check(
    "operations.controller_killed_mid_upgrade",
    level="extended",
    promise="If Flux's helm-controller is killed during an upgrade, it completes the upgrade after "
    "its restart.",
    needs=(Feature.NODE_SHELL,),
    touches="platform",
    effect="kills Flux's helm-controller",
)
def test_controller_killed_mid_upgrade(
    tracked: TrackedApp, helm_controller: HelmController, evidence: EvidenceBox
) -> None:
    seed, upgrade = tracked.seed(), Upgrade(tracked)
    tracked.push(COMMITS["slow_upgrade"])
    upgrade.wait_begun()
    helm_controller.kill()
    if not upgrade.goes_on():
        not_run("the upgrade was over before its controller was killed")
    with evidence.timed("upgraded after the kill"):
        upgrade.wait_done()
    found = tracked.version()
    assert found == VERSION_2, f"version {found} serves instead of {VERSION_2}"
    tracked.verify(seed)


@check(
    "operations.registry_outage",
    level="extended",
    promise="An upgrade that begins while the image registry is away completes once it is back, "
    "without another commit.",
    needs=(Feature.NODE_SHELL,),
    touches="platform",
    effect="cuts the node off from its registry of images for some seconds",
)
def test_registry_outage(
    tracked: TrackedApp, unpulled: Commit, image_registry: ImageRegistry, evidence: EvidenceBox
) -> None:
    seed, upgrade = tracked.seed(), Upgrade(tracked)
    with image_registry.unreachable():
        tracked.push(unpulled)
        upgrade.wait_without_image()
    with evidence.timed("upgraded after the outage"):
        upgrade.wait_done()
    found = tracked.version()
    assert found == VERSION_2, f"version {found} serves instead of {VERSION_2}"
    tracked.verify(seed)
