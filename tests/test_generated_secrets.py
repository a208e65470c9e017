"""Generated Secrets, and which pods generate them, as far as that needs no cluster."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.capabilities.single_sign_on.secret_generator import pods_of_generator
from conformance.kube.objects import Selection
from conformance.platform.generated_secrets import changed, digests, generated_secrets

SPACE = "flux-system"
GENERATED = {
    "metadata": {"name": "generated", "ownerReferences": [{"kind": "StringSecret"}]},
    "data": {"key": "dmFsdWU="},
}
BY_HAND = {"metadata": {"name": "by-hand"}, "data": {"key": "dmFsdWU="}}
OF_ANOTHER = {"metadata": {"name": "of-another", "ownerReferences": [{"kind": "OAuth2Client"}]}}
GROUP = "secretgenerator.mittwald.de"
WRITES = {"apiGroups": [GROUP], "resources": ["stringsecrets/status"], "verbs": ["get", "patch"]}
UPSTREAMS = {"apiGroups": [GROUP], "resources": ["*"], "verbs": ["list", "update", "watch"]}
READS = {"apiGroups": [GROUP], "resources": ["stringsecrets/status"], "verbs": ["get", "list"]}
ASKS = {"apiGroups": [GROUP], "resources": ["stringsecrets"], "verbs": ["create", "patch"]}
EVERYTHING = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
A_PATH = {"nonResourceURLs": ["/healthz"], "verbs": ["get"]}


class Cluster:
    """What the API of a cluster says."""

    def __init__(self, rule: dict[str, Any]) -> None:
        account = {"kind": "ServiceAccount", "name": "maker", "namespace": "secrets"}
        roles = [
            {"metadata": {"name": "of-maker"}, "rules": [A_PATH, rule]},
            {"metadata": {"name": "aggregated"}, "rules": None},
        ]
        gone = {**account, "namespace": "secrets-of-old", "name": "gone"}
        subjects = [account, {"kind": "Group", "name": "people"}, gone, account]
        bindings = [
            {"roleRef": {"name": "of-maker"}, "subjects": subjects},
            {"roleRef": {"name": "aggregated"}, "subjects": [{**account, "name": "other"}]},
        ]
        self.there: dict[str, list[Any]] = {
            "ClusterRole": roles,
            "ClusterRoleBinding": bindings,
            "Secret": [GENERATED, BY_HAND, OF_ANOTHER],
        }

    def list(self, _: str, kind: str, namespace: str = SPACE, *selectors: Any) -> list[Any]:
        if kind == "Pod":
            return [{}] if selectors == (None, "spec.serviceAccountName=maker") else []
        return self.there[kind] if namespace == SPACE else []

    def find(self, _: str, kind: str, name: str, namespace: str) -> Any:
        found = [one for one in self.list(_, kind, namespace) if one["metadata"]["name"] == name]
        return found[0] if found else None


@pytest.fixture
def cluster() -> Any:
    return Cluster(WRITES)


def test_generated_is_what_the_generator_owns(cluster: Any) -> None:
    assert generated_secrets(cluster, ["stackspin", SPACE]) == {f"{SPACE}/generated"}


def test_digests_tell_values_apart_and_show_none(cluster: Any) -> None:
    before = digests(cluster, [f"{SPACE}/generated", f"{SPACE}/gone"])
    assert [*before] == [f"{SPACE}/generated"]
    cluster.there["Secret"][0] = {**GENERATED, "data": {"key": "b3RoZXI="}}
    after = digests(cluster, before)
    assert after.keys() == before.keys()
    assert after != before
    assert "dmFsdWU=" not in str(before)


def test_a_secret_that_is_other_or_lost_is_changed_and_one_of_a_removed_app_is_not() -> None:
    before = dict.fromkeys(["own/same", "own/lost", "own/other", "apps/gone", "apps/other"], "a")
    after = {"own/same": "a", "own/other": "b", "apps/other": "b"}
    assert changed(before, after, "own") == ["apps/other", "own/lost", "own/other"]


@pytest.mark.parametrize("rule", [WRITES, UPSTREAMS])
def test_who_writes_the_status_is_the_generator(rule: dict[str, Any]) -> None:
    cluster: Any = Cluster(rule)
    pods = Selection("v1", "Pod", "secrets", fields="spec.serviceAccountName=maker")
    assert pods_of_generator(cluster) == [pods]


@pytest.mark.parametrize("rule", [READS, ASKS, EVERYTHING])
def test_who_asks_for_secrets_or_may_do_everything_is_not(rule: dict[str, Any]) -> None:
    cluster: Any = Cluster(rule)
    assert pods_of_generator(cluster) == []
