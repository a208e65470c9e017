"""Defects of the OpenID Connect provider, on the wire to Hydra."""

from __future__ import annotations

import base64
import hashlib
import json
import operator
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from requests import PreparedRequest, Response, codes

from conformance.suite.wire import (
    Exchange,
    Send,
    Wire,
    answer_with,
    answered_again,
    form_of,
    path_of,
    query_of,
    with_form,
    with_query,
)

if TYPE_CHECKING:
    from conformance.services.oidc import RelyingParty
    from conformance.suite.twins import Twin

AUTHORIZATION = "/oauth2/auth"
TOKEN = "/oauth2/token"  # noqa: S105 - a path
USERINFO = "/userinfo"
CONSENT = "/web/consent"


# What apps learn from the provider.


@pytest.fixture
def issuer_without_slash(wire: Wire) -> None:
    """The discovery document has the issuer without the slash at its end."""

    def exchange(request: PreparedRequest, send: Send) -> Response:
        answer = send(request)
        if not path_of(request).endswith("/openid-configuration"):
            return answer
        metadata = answer.json()
        changed = {**metadata, "issuer": metadata["issuer"].rstrip("/")}
        return answer_with(codes.ok, json.dumps(changed), {"Content-Type": "application/json"})

    wire.alter(exchange)


@pytest.fixture
def nonce_of_another_login(wire: Wire) -> None:
    """An id_token has the nonce of another login."""

    def exchange(request: PreparedRequest, send: Send) -> Response:
        if "nonce" in query_of(request):
            request = with_query(request, nonce="that of another login")
        return send(request)

    wire.alter(exchange)


@pytest.fixture
def id_token_gets_userinfo(wire: Wire) -> None:
    """Userinfo takes the id_token that was issued with an access token for that."""
    access_tokens: dict[str, str] = {}

    def exchange(request: PreparedRequest, send: Send) -> Response:
        if path_of(request) == USERINFO:
            given = request.headers["Authorization"].removeprefix("Bearer ")
            request = request.copy()
            request.headers["Authorization"] = f"Bearer {access_tokens.get(given, given)}"
        answer = send(request)
        if path_of(request) == TOKEN and answer.ok:
            issued = answer.json()
            access_tokens[issued["id_token"]] = issued["access_token"]
        return answer

    wire.alter(exchange)


# How recent a login must be.


@pytest.fixture
def parameter_ignored(wire: Wire, twin: Twin) -> None:
    """The provider takes no notice of a parameter of a request, by default for authorization."""
    name, path = twin.settings["parameter"], twin.settings.get("at", AUTHORIZATION)

    def exchange(request: PreparedRequest, send: Send) -> Response:
        if path_of(request) == path and name in query_of(request):
            request = with_query(request, **{name: ""})
        return send(request)

    wire.alter(exchange)


@pytest.fixture
def parameter_refused(wire: Wire, twin: Twin) -> None:
    """The provider shows an error for each request for authorization that has a parameter."""
    name = twin.settings["parameter"]

    def exchange(request: PreparedRequest, send: Send) -> Response:
        if path_of(request) == AUTHORIZATION and name in query_of(request):
            return answer_with(codes.bad_request, f"unknown parameter {name}")
        return send(request)

    wire.alter(exchange)


@pytest.fixture
def every_login_too_old(wire: Wire) -> None:
    """The provider takes each demand for a recent login for one to log in again."""

    def exchange(request: PreparedRequest, send: Send) -> Response:
        if path_of(request) == AUTHORIZATION and "max_age" in query_of(request):
            request = with_query(request, max_age="0")
        return send(request)

    wire.alter(exchange)


# What works once.


@pytest.fixture
def used_refresh_token_accepted(wire: Wire) -> None:
    """A used refresh token gets the tokens that it got the first time."""
    wire.alter(answered_again(lambda request: form_of(request).get("refresh_token")))


@pytest.fixture
def used_code_accepted(wire: Wire) -> None:
    """A used code gets the tokens that it got the first time."""
    wire.alter(answered_again(lambda request: form_of(request).get("code")))


@pytest.fixture
def used_consent_accepted(wire: Wire) -> None:
    """A consent that was answered can be answered again, and gets the same code."""

    def challenge_or_verifier(request: PreparedRequest) -> str | None:
        given = {**query_of(request), **form_of(request)}
        found = given.get("consent_challenge") or given.get("consent_verifier")
        return found and f"{request.method} {found}"

    wire.alter(answered_again(challenge_or_verifier))


@pytest.fixture
def unknown_consent_begins_login(wire: Wire) -> None:
    """The consent page begins a login itself where it does not know the challenge."""
    logins: list[str] = []
    known: set[str] = set()

    def exchange(request: PreparedRequest, send: Send) -> Response:
        if path_of(request) == AUTHORIZATION:
            logins.append(str(request.url))
        answer = send(request)
        if path_of(request) == CONSENT and (asked := query_of(request).get("consent_challenge")):
            if answer.ok:
                known.add(asked)
            elif asked not in known:
                return answer_with(codes.found, headers={"Location": logins[0]})
        return answer

    wire.alter(exchange)


# What apps and browsers must prove.


@pytest.fixture
def client_secret_not_checked(wire: Wire, relying_party: RelyingParty) -> None:
    """An app gets tokens with any client secret."""
    right = relying_party.client.client_secret
    wire.alter(
        lambda request, send: send(
            with_form(request, client_secret=right) if path_of(request) == TOKEN else request
        )
    )


@pytest.fixture
def refresh_token_of_any_app_accepted(wire: Wire) -> None:
    """A refresh token gets tokens for whatever app it is sent by."""
    owners: dict[str, dict[str, str]] = {}

    def exchange(request: PreparedRequest, send: Send) -> Response:
        if path_of(request) != TOKEN:
            return send(request)
        form = form_of(request)
        owner = owners.get(form.get("refresh_token", ""), {})
        answer = send(with_form(request, **owner))
        if answer.ok:
            credentials = {name: form[name] for name in ("client_id", "client_secret")}
            owners[answer.json()["refresh_token"]] = {**credentials, **owner}
        return answer

    wire.alter(exchange)


@pytest.fixture
def wrong_code_verifier_accepted(wire: Wire) -> None:
    """A code is redeemed with any code_verifier, but not without one."""
    wire.alter(verifier_not_compared(accepts=bool))


@pytest.fixture
def missing_code_verifier_accepted(wire: Wire) -> None:
    """A code is redeemed without a code_verifier, but not with a wrong one."""
    wire.alter(verifier_not_compared(accepts=operator.not_))


def verifier_not_compared(accepts: Callable[[str], bool]) -> Exchange:
    """Redeem codes with the right code_verifier, and with each other one that is accepted.

    The provider only ever sees a code_challenge and a code_verifier that belong together.
    """
    own = secrets.token_urlsafe(48)
    asked: set[str] = set()

    def exchange(request: PreparedRequest, send: Send) -> Response:
        if challenge := query_of(request).get("code_challenge"):
            asked.add(challenge)
            request = with_query(request, code_challenge=_challenge(own))
        elif "code" in (form := form_of(request)):
            verifier = form.get("code_verifier", "")
            if _challenge(verifier) in asked or accepts(verifier):
                request = with_form(request, code_verifier=own)
        return send(request)

    return exchange


def _challenge(verifier: str) -> str:
    """Return the code_challenge of a code_verifier (RFC 7636, S256)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
