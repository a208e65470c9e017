"""What the single sign-on checks conclude from what they see."""

from __future__ import annotations

import base64
import json
import time
from types import SimpleNamespace
from typing import Any

import pytest

from conformance.capabilities.single_sign_on.addresses import parameter, with_parameter
from conformance.capabilities.single_sign_on.expectations import cookie_faults, refused
from conformance.capabilities.single_sign_on.forgeries import unsigned_logout_token
from conformance.capabilities.single_sign_on.logins import (
    altered,
    pass_phrase,
    weak_passwords,
)
from conformance.capabilities.single_sign_on.policies import admin_peers
from conformance.capabilities.single_sign_on.refreshes import refreshes_again
from conformance.common.soon import soon
from conformance.platform.description import Service
from conformance.services.hydra import Hydra
from conformance.services.login_pages import User
from conformance.services.mail import code_in
from conformance.services.oidc import OAuthRefused

COOKIE = {
    "name": "session",
    "domain": "notes.stackspin.test",
    "secure": True,
    "httpOnly": True,
    "sameSite": "Lax",
}


def test_a_refusal_must_be_for_the_right_reason() -> None:
    with refused("a used code", "invalid_grant"):
        raise OAuthRefused("invalid_grant", "used", 400)
    with (
        pytest.raises(AssertionError, match="a used code: refused, but as invalid_client"),
        refused("a used code", "invalid_grant"),
    ):
        raise OAuthRefused("invalid_client", "who?", 401)
    with (
        pytest.raises(AssertionError, match="a used code: accepted"),
        refused("a used code", "invalid_grant"),
    ):
        pass


class RefusesRefreshes:
    """An app whose refreshes the provider refuses."""

    def __init__(self, error: str) -> None:
        self._error = error

    def refresh(self, _: object) -> None:
        raise OAuthRefused(self._error, "no", 400)


def test_a_refresh_that_is_sent_again_is_refused_as_used_or_something_else_is_wrong() -> None:
    tokens: Any = object()
    answers: Any = SimpleNamespace(refresh=lambda given: given)
    used: Any = RefusesRefreshes("invalid_grant")
    unknown: Any = RefusesRefreshes("invalid_client")
    assert refreshes_again(answers, tokens) is tokens
    assert refreshes_again(used, tokens) is None
    with pytest.raises(OAuthRefused, match="invalid_client"):
        refreshes_again(unknown, tokens)


class Slow:
    """Something that holds at the second look, each of which takes longer than the time."""

    def __init__(self, holds_at: int = 2) -> None:
        self._holds_at = holds_at
        self._looks = 0

    def __call__(self, *_: object) -> bool:
        self._looks += 1
        time.sleep(0.02)
        return self._looks >= self._holds_at


def test_a_slow_look_is_followed_by_one_after_the_time() -> None:
    assert soon(Slow(), within=0.01)
    assert not soon(Slow(holds_at=9), within=0.01)


def test_a_slow_answer_is_followed_by_one_after_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    unused: Any = None
    for holds_at, expires in ((2, True), (9, False)):
        is_expired = Slow(holds_at)
        monkeypatch.setattr(Hydra, "is_active", lambda *_, gone=is_expired: not gone())
        assert Hydra(unused, unused).expires("a token", within=0.01) is expires


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({}, None),
        ({"secure": False}, "is not Secure"),
        ({"httpOnly": False}, "is not HttpOnly"),
        ({"httpOnly": False, "name": "wp-settings-time-1"}, None),
        ({"sameSite": "None"}, "SameSite=None"),
        ({"domain": ".stackspin.test"}, "every app"),
    ],
)
def test_faults_of_cookies(change: dict[str, Any], fault: str | None) -> None:
    faults = cookie_faults([{**COOKIE, **change}])
    assert (fault is None and faults == []) or (fault and fault in faults[0])


HYDRA = {"app.kubernetes.io/name": "hydra"}
ADMIN = Service(namespace="stackspin", name="hydra-admin")


class Policies:
    """A cluster with Hydra, another pod, and NetworkPolicies."""

    def __init__(self, *policies: dict[str, Any]) -> None:
        self._policies = list(policies)

    def get(self, *_: str) -> dict[str, Any]:
        return {"spec": {"selector": HYDRA, "ports": [{"port": 80, "targetPort": "admin"}]}}

    def list(self, _: str, kind: str, *_too: str) -> list[dict[str, Any]]:
        if kind == "NetworkPolicy":
            return [{"spec": policy} for policy in self._policies]
        ports = [
            {"name": "public", "containerPort": 4444},
            {"name": "admin", "containerPort": 4445},
        ]
        spec = {"containers": [{"ports": ports}]}
        other = {"metadata": {"labels": {"app.kubernetes.io/name": "mail"}}, "spec": spec}
        return [{"metadata": {"labels": {**HYDRA, "pod-template-hash": "1"}}, "spec": spec}, other]


def policy(*rules: dict[str, Any], **selector: Any) -> dict[str, Any]:
    """Return a NetworkPolicy's spec, about Hydra unless another selector is given."""
    return {"podSelector": selector or {"matchLabels": HYDRA}, "ingress": list(rules)}


def expression(operator: str, *values: str) -> list[dict[str, Any]]:
    """Return the matchExpressions of a selector by the pods' name."""
    return [{"key": "app.kubernetes.io/name", "operator": operator, "values": list(values)}]


def from_pods(*names: str) -> dict[str, Any]:
    return {"podSelector": {"matchExpressions": expression("In", *names)}}


DASHBOARD_ALONE = policy({"ports": [{"port": "admin"}], "from": [from_pods("dashboard")]})


@pytest.mark.parametrize(
    ("rules", "peers"),
    [
        ([{"ports": [{"port": "public"}]}], set()),
        ([{"ports": [{"port": "admin"}], "from": [from_pods("dashboard")]}], {"dashboard"}),
        ([{"ports": [{"port": "admin"}]}], {"*"}),
        ([{"ports": [{"port": 4445}]}], {"*"}),
        ([{"ports": [{"port": 80}]}], set()),
        ([{"ports": [{"port": 4400, "endPort": 4445}]}], {"*"}),
        ([{"ports": [{"port": 4400, "endPort": 4444}]}], set()),
        ([{"ports": [{"protocol": "TCP"}]}], {"*"}),
        ([{"ports": [{"port": 4445, "protocol": "UDP"}]}], set()),
        ([{"ports": [{"port": "unknown"}]}], set()),
        ([{"ports": [{"port": "public"}, {"port": "admin"}]}], {"*"}),
        ([{}], {"*"}),
        ([{"from": [{"namespaceSelector": {}}]}], {"*"}),
        ([{"from": [{"podSelector": {}}]}], {"*"}),
        ([{"from": [{**from_pods("dashboard"), "namespaceSelector": {}}]}], {"*"}),
    ],
)
def test_whom_a_policy_lets_in(rules: list[dict[str, Any]], peers: set[str]) -> None:
    kube: Any = Policies(policy(*rules))
    assert admin_peers(kube, ADMIN) == peers


@pytest.mark.parametrize(
    ("second", "peers"),
    [
        ({"podSelector": {}, "ingress": [{}]}, {"dashboard", "*"}),
        ({"podSelector": {}, "policyTypes": ["Egress"], "egress": [{}]}, {"dashboard"}),
        (policy({}, matchLabels={"app.kubernetes.io/name": "kratos"}), {"dashboard"}),
        (policy({}, matchLabels={**HYDRA, "pod-template-hash": "1"}), {"dashboard", "*"}),
        (policy({}, matchExpressions=expression("In", "hydra")), {"dashboard", "*"}),
        (policy({}, matchExpressions=expression("NotIn", "hydra")), {"dashboard"}),
        (policy({}, matchExpressions=expression("Exists")), {"dashboard", "*"}),
        (policy({}, matchExpressions=expression("DoesNotExist")), {"dashboard"}),
    ],
)
def test_policies_that_select_a_pod_add_up(second: dict[str, Any], peers: set[str]) -> None:
    kube: Any = Policies(DASHBOARD_ALONE, second)
    assert admin_peers(kube, ADMIN) == peers


def test_without_a_policy_everybody_is_let_in() -> None:
    kube: Any = Policies({"podSelector": {}, "policyTypes": ["Egress"]})
    assert admin_peers(kube, ADMIN) == {"*"}


def test_small_things() -> None:
    assert code_in("Your code is:\n\n123456\n") == "123456"
    with pytest.raises(AssertionError, match="no code in the mail"):
        code_in("Hello")
    assert altered("999999") == "000000"
    url = with_parameter("https://a.test/cb?state=a&code=c", state="b")
    assert (parameter(url, "state"), parameter(url, "code"), parameter(url, "error")) == (
        "b",
        "c",
        "",
    )


def test_the_forged_logout_token_lacks_nothing_but_its_signature() -> None:
    header, payload, signature = unsigned_logout_token("https://sso.test/", "notes", "me").split(
        "."
    )
    assert signature == ""
    assert json.loads(base64.urlsafe_b64decode(header + "=="))["alg"] == "none"
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert {"iss", "aud", "iat", "jti", "events", "sub"} == set(claims)


def test_a_weak_password_has_one_thing_wrong_with_it() -> None:
    found = weak_passwords(User("1", "dana-abc123-1@stackspin.test", "Dana", ""))
    short = found.pop("a password of 11 characters")
    assert len(short) == 11
    assert "dana" not in short
    for password in found.values():
        assert "dana-abc123-1@stackspin.test" in password


def test_a_pass_phrase_is_long_and_fits_bcrypt() -> None:
    phrase = pass_phrase()
    assert 64 <= len(phrase.encode()) <= 72
    assert " " in phrase
    assert phrase != pass_phrase()
