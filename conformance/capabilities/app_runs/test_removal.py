"""An app package on a cluster, level 4: what is left of it when it is removed.

The installation that the checks of all levels share ends with this one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.suite.check import check, extended

if TYPE_CHECKING:
    from conformance.apps.package.running import RunningApp
    from conformance.report.evidence import EvidenceBox


@check(
    "app_runs.removal_leaves_claims",
    promise="Removing the app from the repository leaves its claims, and nothing else.",
    apps=extended("notes", "wordpress"),
    app_level=4,
    last=True,
)
def test_removal_leaves_claims(running: RunningApp, evidence: EvidenceBox) -> None:
    with evidence.timed("removal"):
        remains = running.delivery.remove()
    evidence.note(f"claims that stay: {', '.join(remains.names_of_claims) or 'none'}")
    assert not remains.lost, f"claims are gone with the app: {', '.join(remains.lost)}"
    assert not remains.left, f"left behind: {', '.join(remains.names_of_left)}"
