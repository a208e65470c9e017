"""Defects of what comes after a refused refresh, on the wire to Hydra."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.suite.wire import form_of, path_of, query_of, with_query

if TYPE_CHECKING:
    from requests import PreparedRequest, Response

    from conformance.suite.wire import Send, Wire

AUTHORIZATION = "/oauth2/auth"


@pytest.fixture
def password_after_refused_refresh(wire: Wire) -> None:
    """Once a refresh was refused, the provider has every user log in again."""
    refused: list[str] = []

    def exchange(request: PreparedRequest, send: Send) -> Response:
        if refused and path_of(request) == AUTHORIZATION and "prompt" not in query_of(request):
            request = with_query(request, prompt="login")
        answer = send(request)
        if "refresh_token" in (form := form_of(request)) and not answer.ok:
            refused.append(form["refresh_token"])
        return answer

    wire.alter(exchange)
