"""What the single sign-on checks conclude from what they see."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from conformance.capabilities.single_sign_on_expectations import (
    cookie_faults,
    not_believed,
    refused,
)
from conformance.capabilities.single_sign_on_platform import admin_peers
from conformance.capabilities.single_sign_on_walks import (
    altered,
    code_in,
    parameter,
    unsigned_logout_token,
    with_parameter,
)
from conformance.services.oidc import OAuthRefused, TokenRefused

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


def test_a_token_that_is_believed_is_a_failure() -> None:
    with not_believed("a forged token"):
        raise TokenRefused("no signature")
    with pytest.raises(AssertionError, match="believed"), not_believed("a forged token"):
        pass


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


class Policies:
    """A cluster with one NetworkPolicy for Hydra."""

    def __init__(self, *rules: dict[str, Any]) -> None:
        self._rules = list(rules)

    def get(self, *_: str) -> dict[str, Any]:
        return {"spec": {"ports": [{"port": 80, "targetPort": "admin"}]}}

    def list(self, *_: str) -> list[dict[str, Any]]:
        selected = {"matchLabels": {"app.kubernetes.io/name": "hydra"}}
        return [{"spec": {"podSelector": selected, "ingress": self._rules}}]


def from_pods(*names: str) -> dict[str, Any]:
    expression = {"key": "app.kubernetes.io/name", "operator": "In", "values": list(names)}
    return {"podSelector": {"matchExpressions": [expression]}}


@pytest.mark.parametrize(
    ("rules", "peers"),
    [
        ([{"ports": [{"port": "public"}]}], set()),
        ([{"ports": [{"port": "admin"}], "from": [from_pods("dashboard")]}], {"dashboard"}),
        ([{"ports": [{"port": "admin"}]}], {"*"}),
        ([{}], {"*"}),
        ([{"from": [{"namespaceSelector": {}}]}], {"*"}),
        ([{"from": [{"podSelector": {}}]}], {"*"}),
        ([{"from": [{**from_pods("dashboard"), "namespaceSelector": {}}]}], {"*"}),
    ],
)
def test_whom_a_policy_lets_in(rules: list[dict[str, Any]], peers: set[str]) -> None:
    kube: Any = Policies(*rules)
    assert admin_peers(kube, "hydra") == peers


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
