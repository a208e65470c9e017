"""Defects of where the provider sends browsers: to addresses that nobody has registered."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from joserfc import jws
from joserfc.util import urlsafe_b64decode
from requests import PreparedRequest, Response

from conformance.suite.wire import Exchange, Send, Wire, query_of, with_query

if TYPE_CHECKING:
    from conformance.services.hydra import Hydra
    from conformance.suite.twins import Twin

RESEMBLES: dict[str, Callable[[str, str], bool]] = {
    "prefix": lambda asked, registered: registered.startswith(asked),
    "extra path": lambda asked, registered: asked.startswith(f"{registered}/"),
    "query": lambda asked, registered: asked.startswith(f"{registered}?"),
    "longer host": lambda asked, registered: _host(asked).startswith(f"{_host(registered)}."),
}
"""Ways to compare an address with the registered one that let others pass."""


@pytest.fixture
def redirect_uri_not_exact(wire: Wire, hydra: Hydra, twin: Twin) -> None:
    """Codes are sent to addresses that only resemble the registered redirect URI."""
    resembles = RESEMBLES[twin.settings["accepts"]]
    wire.alter(sent_elsewhere("redirect_uri", _redirect_uri(hydra), accepts=resembles))


@pytest.fixture
def request_object_obeyed(wire: Wire, hydra: Hydra) -> None:
    """Codes are sent to the address in a request object, whoever made the object."""
    wire.alter(obeying_request_objects(hydra))


def obeying_request_objects(hydra: Hydra) -> Exchange:
    """Take the redirect URI out of a request object, without a look at its signature."""
    elsewhere = sent_elsewhere("redirect_uri", _redirect_uri(hydra), accepts=operator.ne)

    def exchange(request: PreparedRequest, send: Send) -> Response:
        if given := query_of(request).get("request"):
            claims = json.loads(urlsafe_b64decode(given.split(".")[1].encode()))
            request = with_query(request, request="", redirect_uri=claims["redirect_uri"])
        return elsewhere(request, send)

    return exchange


def _redirect_uri(hydra: Hydra) -> Callable[[dict[str, str]], str]:
    """Return what finds the registered redirect URI of the client that a query names."""

    def registered(query: dict[str, str]) -> str:
        [found] = (hydra.client(query["client_id"]) or {})["redirect_uris"]
        return str(found)

    return registered


@pytest.fixture
def id_token_of_any_app_logs_out(wire: Wire, hydra: Hydra) -> None:
    """An app can log a user out with the id_token of another app."""
    wire.alter(led_elsewhere(hydra, accepts=operator.ne))


@pytest.fixture
def logout_address_not_exact(wire: Wire, hydra: Hydra, twin: Twin) -> None:
    """Logouts lead to addresses that only resemble the registered one."""
    wire.alter(led_elsewhere(hydra, accepts=RESEMBLES[twin.settings["accepts"]]))


def led_elsewhere(hydra: Hydra, accepts: Callable[[str, str], bool]) -> Exchange:
    """Let logouts lead to the address that they ask for, if it is accepted beside the app's."""

    def registered(query: dict[str, str]) -> str:
        claims = json.loads(jws.extract_compact(query["id_token_hint"].encode()).payload)
        [found] = (hydra.client(claims["aud"][0]) or {})["post_logout_redirect_uris"]
        return str(found)

    return sent_elsewhere("post_logout_redirect_uri", registered, accepts)


def sent_elsewhere(
    parameter: str,
    registered: Callable[[dict[str, str]], str],
    accepts: Callable[[str, str], bool],
) -> Exchange:
    """Send browsers to the address in a parameter, if it is accepted beside the registered one."""
    elsewhere: dict[str, str] = {}

    def exchange(request: PreparedRequest, send: Send) -> Response:
        query = query_of(request)
        if parameter in query:
            asked, right = query[parameter], registered(query)
            if accepts(asked, right):
                elsewhere[right] = asked
                request = with_query(request, **{parameter: right})
        answer = send(request)
        location = answer.headers.get("Location", "")
        for right, asked in elsewhere.items():
            if location.startswith(right):
                answer.headers["Location"] = asked + location.removeprefix(right)
        return answer

    return exchange


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""
