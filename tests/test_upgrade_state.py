"""What an upgrade has left of releases, claims and Secrets, as far as that needs no cluster."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from conformance.capabilities.platform_upgrade.state import (
    Claim,
    Installed,
    State,
    changed_secrets,
    failed_upgrades,
    installed,
    installed_anew,
    lost_claims,
    upgraded,
)
from conformance.capabilities.platform_upgrade.test_release import assert_nothing_lost

BEFORE = State(
    {"apps/notes": Installed("2026-01-01", {1: "superseded", 2: "deployed"})},
    {"apps/data": Claim("one", mounted=True), "apps/spare": Claim("two", mounted=False)},
    {"flux-system/variables": "a digest"},
)


def with_release(since: str, **statuses: str) -> State:
    revisions = {int(number.lstrip("r")): status for number, status in statuses.items()}
    return replace(BEFORE, releases={"apps/notes": Installed(since, revisions)})


def test_a_clean_upgrade_is_one_more_revision() -> None:
    after = with_release("2026-01-01", r2="superseded", r3="deployed")
    assert upgraded(BEFORE, after) == ["apps/notes"]
    assert failed_upgrades(BEFORE, after) == []
    assert upgraded(BEFORE, BEFORE) == []


def test_what_failed_before_the_upgrade_does_not_count() -> None:
    before = with_release("2026-01-01", r1="failed", r2="deployed")
    after = with_release("2026-01-01", r1="failed", r2="superseded", r3="deployed")
    assert failed_upgrades(before, after) == []


@pytest.mark.parametrize("status", ["failed", "pending-upgrade", "uninstalled"])
def test_an_attempt_that_failed_counts_even_if_a_later_one_succeeded(status: str) -> None:
    after = with_release("2026-01-01", r2="superseded", r3=status, r4="superseded", r5="deployed")
    assert failed_upgrades(BEFORE, after) == [f"HelmRelease apps/notes: revision 3 is {status}"]


def test_a_release_that_was_installed_anew_is_no_upgrade() -> None:
    after = with_release("2026-02-02", r1="failed", r2="deployed")
    anew = ["HelmRelease apps/notes was uninstalled, and installed anew"]
    assert installed_anew(BEFORE, after) == anew
    assert failed_upgrades(BEFORE, after) == ["HelmRelease apps/notes: revision 1 is failed"]
    assert installed_anew(BEFORE, BEFORE) == []


def test_a_release_that_is_new_may_not_fail_either() -> None:
    after = replace(BEFORE, releases={"apps/wiki": Installed("", {1: "failed", 2: "deployed"})})
    assert failed_upgrades(BEFORE, after) == ["HelmRelease apps/wiki: revision 1 is failed"]


def test_helm_remembers_what_flux_has_forgotten() -> None:
    entry = {"name": "notes", "firstDeployed": "2026-01-01", "status": "deployed", "version": 4}
    kept: list[dict[str, Any]] = [
        {"metadata": {"labels": {"version": number, "status": status}}}
        for number, status in (("2", "failed"), ("3", "superseded"), ("4", "deployed"))
    ]
    found = installed({"status": {"history": [entry]}}, kept)
    assert found == Installed("2026-01-01", {2: "failed", 3: "superseded", 4: "deployed"})
    assert installed({}, []) == Installed("", {})


@pytest.mark.parametrize(
    ("now", "lost"),
    [
        ({"apps/data": Claim("one", mounted=True)}, []),
        ({}, ["claim apps/data is gone"]),
        (
            {"apps/data": Claim("new", mounted=True)},
            ["claim apps/data is another one of the same name"],
        ),
        (
            {"apps/data": Claim("one", mounted=False), "apps/new": Claim("new", mounted=True)},
            ["claim apps/data is mounted by no pod any more"],
        ),
    ],
)
def test_a_claim_stays_itself_and_in_use(now: dict[str, Claim], lost: list[str]) -> None:
    spare = {"apps/spare": Claim("two", mounted=False)}
    assert lost_claims(BEFORE, replace(BEFORE, claims={**now, **spare})) == lost


def test_a_secret_keeps_its_values() -> None:
    name = "flux-system/variables"
    more = replace(BEFORE, secrets={**BEFORE.secrets, "flux-system/new": "digest"})
    assert changed_secrets(BEFORE, more) == []
    other = replace(BEFORE, secrets={name: "another"})
    assert changed_secrets(BEFORE, other) == [f"Secret {name} has other values"]
    assert changed_secrets(BEFORE, replace(BEFORE, secrets={})) == [f"Secret {name} is gone"]


class Api:
    """The API of a cluster with one release, and with pods that mount claims."""

    def __init__(self, pods: list[dict[str, Any]]) -> None:
        self.asked: list[tuple[str | None, str | None]] = []
        history = [
            {"name": "apps-notes", "firstDeployed": "then", "status": "deployed", "version": 2}
        ]
        self.objects: dict[str, list[dict[str, Any]]] = {
            "HelmRelease": [
                {
                    "metadata": {"namespace": "apps", "name": "notes"},
                    "status": {"history": history, "storageNamespace": "helm"},
                }
            ],
            "PersistentVolumeClaim": [
                {"metadata": {"namespace": "apps", "name": name, "uid": f"uid of {name}"}}
                for name in ("data", "spare")
            ],
            "Namespace": [{"metadata": {"name": "apps"}}],
            "Pod": pods,
            "Secret": [],
        }

    def list(
        self, _: str, kind: str, namespace: str | None = None, labels: str | None = None
    ) -> list[dict[str, Any]]:
        if kind == "Secret":
            self.asked.append((namespace, labels))
        return self.objects[kind]


def a_pod(phase: str = "Running", **metadata: Any) -> dict[str, Any]:
    volumes = [{"name": "tmp"}, {"name": "d", "persistentVolumeClaim": {"claimName": "data"}}]
    return {
        "metadata": {"namespace": "apps", **metadata},
        "spec": {"volumes": volumes},
        "status": {"phase": phase},
    }


@pytest.mark.parametrize(
    ("pod", "mounted"),
    [
        (a_pod(), True),
        (a_pod("Succeeded"), False),
        (a_pod(deletionTimestamp="now"), False),
        (a_pod(ownerReferences=[{"kind": "Job"}]), False),
    ],
)
def test_a_claim_is_in_use_if_a_pod_that_stays_has_it(pod: dict[str, Any], mounted: bool) -> None:
    api = Api([pod])
    found = State.of(api)  # type: ignore[arg-type]
    assert found.claims == {
        "apps/data": Claim("uid of data", mounted),
        "apps/spare": Claim("uid of spare", mounted=False),
    }
    assert found.releases == {"apps/notes": Installed("then", {2: "deployed"})}
    assert ("helm", "owner=helm,name=apps-notes") in api.asked


def test_nothing_is_lost_if_claims_secrets_and_data_are_what_they_were() -> None:
    verified: list[str] = []
    life = SimpleNamespace(result=lambda: SimpleNamespace(seed="put in"))
    upgrade: Any = SimpleNamespace(life=life, verify=lambda: verified.append("data"))
    after = replace(BEFORE, claims={}, secrets={})
    with pytest.raises(AssertionError) as failed:
        assert_nothing_lost(upgrade, BEFORE, after, ["notes.test: away"])
    assert [line.strip() for line in str(failed.value).splitlines()][:4] == [
        "claim apps/data is gone",
        "claim apps/spare is gone",
        "Secret flux-system/variables is gone",
        "notes.test: away",
    ]
    assert verified == []
    assert_nothing_lost(upgrade, BEFORE, BEFORE)
    assert verified == ["data"]
    upgrade.life = SimpleNamespace(result=lambda: SimpleNamespace(seed=None))
    assert_nothing_lost(upgrade, BEFORE, BEFORE)
    assert verified == ["data"]
