"""The relying party of the checks: which tokens it believes, against keys of its own."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from conformance.services.oidc import (
    Client,
    OAuthRefused,
    Provider,
    RelyingParty,
    TokenRefused,
    resembling,
    unsigned,
)

ISSUER = "https://sso.stackspin.test/"
KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
STRANGER = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})


class Answer:
    def __init__(self, body: dict[str, Any], status: int = 200) -> None:
        self.status_code = status
        self.headers = {"Content-Type": "application/json"}
        self._body = body

    def json(self) -> dict[str, Any]:
        return self._body

    def raise_for_status(self) -> None:
        pass


class Http:
    """A provider with one key that refuses every code."""

    def get(self, url: str, **_: object) -> Answer:
        if url.endswith("/jwks.json"):
            return Answer({"keys": [KEY.as_dict(private=False)]})
        return Answer(
            {
                "issuer": ISSUER,
                "jwks_uri": f"{ISSUER}.well-known/jwks.json",
                "authorization_endpoint": f"{ISSUER}oauth2/auth",
                "token_endpoint": f"{ISSUER}oauth2/token",
            }
        )

    def post(self, url: str, data: dict[str, str], auth: tuple[str, str] | None = None) -> Answer:
        del url
        if "s3cret" not in (data.get("client_secret"), *(auth or ())):
            return Answer({"error": "invalid_client", "error_description": "who?"}, 401)
        return Answer({"error": "invalid_grant", "error_description": "no such code"}, 400)


@pytest.fixture
def app() -> RelyingParty:
    http: Any = Http()
    client = Client("notes", "s3cret", "https://notes.stackspin.test/oidc/callback")
    return RelyingParty(http, Provider(http, ISSUER), client)


def token(key: RSAKey | OctKey = KEY, alg: str = "RS256", **changes: object) -> str:
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "aud": ["notes"],
        "sub": "alice",
        "iat": now,
        "exp": now + 60,
        "nonce": "n",
    }
    return jwt.encode({"alg": alg, "kid": "one"}, {**claims, **changes}, key, algorithms=[alg])


def test_a_right_token_is_believed(app: RelyingParty) -> None:
    assert app.verified(token(), "n")["sub"] == "alice"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://sso.stackspin.test"},
        {"aud": ["wordpress"]},
        {"exp": int(time.time()) - 60},
        {"iat": int(time.time()) + 86400},
        {"nonce": "other"},
        {"nonce": ""},
    ],
)
def test_a_wrong_claim_is_refused(app: RelyingParty, changes: dict[str, object]) -> None:
    with pytest.raises(TokenRefused):
        app.verified(token(**changes), "n")


def test_signatures_by_anything_but_the_key_are_refused(app: RelyingParty) -> None:
    shared = OctKey.import_key("s3cret-s3cret-s3cret-s3cret-s3cret")
    good = token()
    altered = good.rpartition(".")[0] + "." + token(exp=2 * 10**9).rpartition(".")[2]
    for forged in (token(STRANGER), token(shared, "HS256"), unsigned(good), altered):
        with pytest.raises(TokenRefused):
            app.verified(forged, "n")


def test_each_attempt_is_its_own(app: RelyingParty) -> None:
    one, two = app.attempt(), app.attempt(nonce="mine")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(one.url).query).items()}
    assert asked["code_challenge_method"] == "S256"
    assert asked["state"] == one.state != two.state
    assert two.nonce == "mine"
    back = app.client.redirect_uri
    assert app.code(f"{back}?code=c&state={one.state}", one) == "c"
    with pytest.raises(TokenRefused, match="another attempt"):
        app.code(f"{back}?code=c&state={two.state}", one)
    with pytest.raises(OAuthRefused, match="access_denied"):
        app.code(f"{back}?error=access_denied&state={one.state}", one)


def test_a_refusal_carries_the_error_code(app: RelyingParty) -> None:
    with pytest.raises(OAuthRefused) as refused:
        app.redeem("c", app.attempt())
    assert (refused.value.error, refused.value.status) == ("invalid_grant", 400)


@pytest.mark.parametrize("method", ["client_secret_post", "client_secret_basic"])
def test_the_provider_takes_a_secret_before_it_looks_at_the_code(
    app: RelyingParty, method: str
) -> None:
    http: Any = Http()
    for secret, taken in {"s3cret": True, "another": False}.items():
        client = replace(app.client, client_secret=secret, authentication=method)
        assert RelyingParty(http, app.provider, client).is_authenticated() is taken


def test_addresses_that_resemble_a_redirect_uri_are_not_it() -> None:
    found = resembling("https://notes.test/oidc/callback?logout=no")
    assert found == {
        "prefix": "https://notes.test/oidc/",
        "extra path": "https://notes.test/oidc/callback/more?logout=no",
        "other scheme": "http://notes.test/oidc/callback?logout=no",
        "other host": "https://notes.test.example.org/oidc/callback?logout=no",
        "user information": "https://sso@notes.test/oidc/callback?logout=no",
        "query": "https://notes.test/oidc/callback?logout=no&next=/",
    }
    assert "prefix" not in resembling("https://notes.test/")
