"""Defects of what ends logins, on the wire to Hydra: whose word it takes, and where it leads."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from joserfc.util import urlsafe_b64decode
from requests import PreparedRequest, Response, codes

from conformance.suite.wire import Exchange, Send, Wire, answer_with, path_of, query_of, with_query

if TYPE_CHECKING:
    from conformance.suite.twins import Twin

LOGOUT = "/oauth2/sessions/logout"
TOKEN = "/oauth2/token"  # noqa: S105 - a path


@pytest.fixture
def unsigned_id_token_accepted(wire: Wire) -> None:
    """Whoever has an id_token without its signature can log its user out."""
    wire.alter(signature_not_verified(accepts=lambda token: token.endswith(".")))


@pytest.fixture
def altered_id_token_accepted(wire: Wire) -> None:
    """An id_token that has any signature can log its user out."""
    wire.alter(signature_not_verified(accepts=lambda token: not token.endswith(".")))


@pytest.fixture
def self_signed_id_token_accepted(wire: Wire) -> None:
    """An id_token that brings along the key of its signature can log its user out."""
    wire.alter(signature_not_verified(accepts=lambda token: "jwk" in _header(token)))


def signature_not_verified(accepts: Callable[[str], bool]) -> Exchange:
    """Take an id_token that is accepted for the one with the same claims that was issued."""
    issued: dict[str, str] = {}

    def exchange(request: PreparedRequest, send: Send) -> Response:
        token = query_of(request).get("id_token_hint", "..")
        claims = token.split(".")[1]
        if claims in issued and accepts(token):
            request = with_query(request, id_token_hint=issued[claims])
        answer = send(request)
        if path_of(request) == TOKEN and answer.ok:
            token = answer.json()["id_token"]
            issued[token.split(".")[1]] = token
        return answer

    return exchange


def _header(token: str) -> dict[str, object]:
    return dict(json.loads(urlsafe_b64decode(token.partition(".")[0].encode())))


@pytest.fixture
def leads_back_without_id_token(wire: Wire) -> None:
    """A logout leads to whatever address it is given, if no id_token comes with it."""

    def exchange(request: PreparedRequest, send: Send) -> Response:
        query = query_of(request)
        if "post_logout_redirect_uri" in query and "id_token_hint" not in query:
            return answer_with(codes.found, headers={"Location": query["post_logout_redirect_uri"]})
        return send(request)

    wire.alter(exchange)


@pytest.fixture
def breaks_with_one_parameter(wire: Wire, twin: Twin) -> None:
    """The provider breaks when a logout has one parameter alone."""
    name = twin.settings["parameter"]

    def exchange(request: PreparedRequest, send: Send) -> Response:
        if path_of(request) == LOGOUT and [*query_of(request)] == [name]:
            return answer_with(codes.server_error, "Internal Server Error")
        return send(request)

    wire.alter(exchange)
