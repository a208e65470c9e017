"""Every claim is mounted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts.cluster import Cluster, each
from conformance.linter.facts.storage import (
    CLAIM,
    Claim,
    absent,
    claims,
    handed,
    lost,
    mounts_of,
    used_by_name,
)
from conformance.linter.findings import NotRun, Problem
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("claims.unused", level=2)
def claim_unused(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each claim that nothing names."""
    yield from each(app, _unused)


def _unused(cluster: Cluster) -> Iterator[Problem]:
    broken = any(True for _ in absent(cluster)) or any(
        lost(cluster, one) is not None for one in handed(cluster)
    )
    if broken or not cluster.complete:
        return  # the wrong name is the finding; or a chart elsewhere may know the claim's name
    named = {mount.claim for pod in cluster.pods for mount in mounts_of(pod)}
    for claim in claims(cluster):
        if claim.manifest.kind != CLAIM or claim.name in named or _of_stateful_set(cluster, claim):
            continue
        if not used_by_name(cluster, claim.name):
            yield Problem(
                claim.place("metadata", "name"),
                f"claim {claim.name} is not mounted by any pod, and no value names it",
            )


def _of_stateful_set(cluster: Cluster, claim: Claim) -> bool:
    """Return whether a StatefulSet takes a claim by its name, as one that it has made itself."""
    return any(
        claim.name.startswith(f"{other.name}-{other.manifest.name}-")
        for other in claims(cluster)
        if other.path
    )
