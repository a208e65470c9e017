"""A claim states its size and its access mode."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts.cluster import Cluster, each
from conformance.linter.facts.storage import (
    claims_and_ephemeral,
)
from conformance.linter.findings import NotRun, Problem
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("claims.spec", level=2)
def claim_spec(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each claim that lacks one."""
    yield from each(app, _half_claims)


def _half_claims(cluster: Cluster) -> Iterator[Problem]:
    for claim in claims_and_ephemeral(cluster):
        size = claim.get("spec", "resources", "requests", "storage")
        wanting = [] if size or size == 0 else ["resources.requests.storage"]
        wanting += [] if claim.modes else ["accessModes"]
        if wanting:
            yield Problem(
                claim.place("spec"), f"claim {claim.name} has no {' and no '.join(wanting)}"
            )
