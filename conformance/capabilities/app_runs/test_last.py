"""An app package on a cluster, level 4: what comes last in an app's life.

The installation that the checks of all levels share ends with these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.clusters.base import Feature
from conformance.suite.check import check, extended

if TYPE_CHECKING:
    from conformance.apps.package.running import RunningApp
    from conformance.clusters.base import Cluster
    from conformance.report.evidence import EvidenceBox

ON = extended("notes", "wordpress")


@check(
    "app_runs.survives_node_kill",
    promise="The app serves again after all processes of the node were killed at once.",
    needs=(Feature.NODE_KILL,),
    apps=ON,
    app_level=4,
    last=True,
)
def test_survives_node_kill(running: RunningApp, cluster: Cluster, evidence: EvidenceBox) -> None:
    if running.take_node_kill():
        evidence.note("The node was killed by app_data.survives_node_kill, once for both checks.")
    else:
        with evidence.timed("from the kill of the node to the app Ready"):
            running.outlive_node_kill(cluster)
    running.prove_again()


@check(
    "app_runs.removal_leaves_claims",
    promise="Removing the app from the repository leaves its claims, and nothing else.",
    apps=ON,
    app_level=4,
    last=True,
)
def test_removal_leaves_claims(running: RunningApp, evidence: EvidenceBox) -> None:
    with evidence.timed("removal"):
        remains = running.delivery.remove()
    evidence.note(f"claims that stay: {', '.join(remains.names_of_claims) or 'none'}")
    assert not remains.lost, f"claims are gone with the app: {', '.join(remains.lost)}"
    assert not remains.left, f"left behind: {', '.join(remains.names_of_left)}"
