"""Which apps Flux does not keep as they are, and which claims a commit deletes."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.capabilities.auto_update.guards import (
    KEEP,
    OF_RELEASE,
    SPARED,
    changed_by_hand,
    deletable_claims,
    releases_of_tree,
)

SPACE = "stackspin-apps"
LABELS = {
    "kustomize.toolkit.fluxcd.io/name": "board",
    "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
}


class Cluster:
    """What the API of a cluster says."""

    def __init__(self) -> None:
        self.claim: dict[str, Any] = {"name": "data"}
        self.kustomization: dict[str, Any] | None = {"spec": {"prune": True}}
        self.releases: list[dict[str, Any]] = []

    def list(self, _: str, kind: str, namespace: str) -> list[Any]:
        assert namespace == SPACE
        claims = [{"metadata": self.claim}]
        return {"HelmRelease": self.releases, "PersistentVolumeClaim": claims}[kind]

    def find(self, _: str, kind: str, name: str, namespace: str) -> Any:
        assert (kind, name, namespace) == ("Kustomization", "board", "flux-system")
        return self.kustomization


@pytest.fixture
def cluster() -> Any:
    return Cluster()


def test_releases_that_nobody_committed_are_left_out(cluster: Any) -> None:
    committed: Any = {"metadata": {"name": "board", "labels": LABELS}}
    cluster.releases = [{"metadata": {"name": "by-hand"}}, committed]
    assert releases_of_tree(cluster, SPACE) == [committed]


@pytest.mark.parametrize(
    ("spec", "mode"),
    [({}, "disabled"), ({"driftDetection": {}}, "disabled"), ({"mode": "enabled"}, "disabled")]
    + [({"driftDetection": {"mode": mode}}, mode) for mode in ("warn", "enabled")],
)
def test_drift_is_reverted_where_that_is_enabled(spec: dict[str, Any], mode: str) -> None:
    found = [*changed_by_hand([{"metadata": {"name": "board"}, "spec": spec}])]
    assert found == ([] if mode == "enabled" else [f"board: driftDetection is {mode}"])


@pytest.mark.parametrize("mark", SPARED)
@pytest.mark.parametrize("where", ["annotations", "labels"])
def test_a_claim_that_flux_applies_needs_a_mark(cluster: Any, where: str, mark: str) -> None:
    cluster.claim["labels"] = LABELS
    assert [*deletable_claims(cluster, SPACE)] == ["board: claim data may be pruned"]
    cluster.claim[where] = {**cluster.claim.get(where, {}), mark: "disabled"}
    assert not [*deletable_claims(cluster, SPACE)]


@pytest.mark.parametrize("policy", ["Delete", "WaitForTermination"])
def test_what_deletes_all_when_it_goes_needs_a_mark_too(cluster: Any, policy: str) -> None:
    cluster.claim["labels"] = LABELS
    cluster.kustomization = {"spec": {"prune": False, "deletionPolicy": policy}}
    assert [*deletable_claims(cluster, SPACE)] == ["board: claim data may be pruned"]


@pytest.mark.parametrize("kustomization", [None, {"spec": {}}, {"spec": {"prune": False}}])
def test_nothing_is_deleted_by_what_does_not_prune(cluster: Any, kustomization: Any) -> None:
    cluster.claim["labels"] = LABELS
    cluster.kustomization = kustomization
    assert not [*deletable_claims(cluster, SPACE)]


def test_a_claim_of_a_chart_needs_a_mark(cluster: Any) -> None:
    cluster.claim["annotations"] = {OF_RELEASE: "pad"}
    assert [*deletable_claims(cluster, SPACE)] == ["pad: claim data is deleted with the release"]
    cluster.claim["annotations"][KEEP] = "keep"
    assert not [*deletable_claims(cluster, SPACE)]


def test_a_claim_that_nobody_manages_is_safe(cluster: Any) -> None:
    assert not [*deletable_claims(cluster, SPACE)]
