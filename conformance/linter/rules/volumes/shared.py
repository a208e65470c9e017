"""What several rules of the family volumes share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.linter.facts.cluster import Cluster
from conformance.linter.facts.storage import ONE_NODE, claim_of, mounts_of

if TYPE_CHECKING:
    from conformance.linter.pods import Pod


def written_claim(cluster: Cluster, pod: Pod) -> str | None:
    """Return a claim that each of the pods writes to, unless it is made for several."""
    for mount in mounts_of(pod):
        claim = claim_of(cluster, mount)
        shared = claim is not None and not set(claim.modes) <= set(ONE_NODE)
        if not shared and not mount.read_only:
            return mount.claim
    return None
