"""Defects of the pages that take passwords, on the wire to Kratos."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from requests import PreparedRequest, Response, codes

from conformance.services.kratos import Identity, Kratos
from conformance.suite.wire import Send, Wire, form_of, path_of, query_of, with_form

SETTINGS = "/self-service/settings"


@pytest.fixture
def passwords_by_address(monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """The password of each user who is made from now on, by e-mail address."""
    passwords: dict[str, str] = {}
    create = Kratos.create

    def remember(
        kratos: Kratos,
        email: str,
        password: str,
        *more: Any,  # noqa: ANN401 - what create takes
        **options: Any,  # noqa: ANN401
    ) -> Identity:
        passwords[email] = password
        return create(kratos, email, password, *more, **options)

    monkeypatch.setattr(Kratos, "create", remember)
    return passwords


@pytest.fixture
def password_not_checked(wire: Wire, passwords_by_address: Mapping[str, str]) -> None:
    """Whoever gives a user's address is logged in, whatever the password."""

    def exchange(request: PreparedRequest, send: Send) -> Response:
        if right := passwords_by_address.get(form_of(request).get("identifier", "")):
            request = with_form(request, password=right)
        return send(request)

    wire.alter(exchange)


@pytest.fixture
def unknown_user_told_apart(wire: Wire, passwords_by_address: Mapping[str, str]) -> None:
    """After a login with the address of no user, the login page comes with status 404."""
    unknown: set[str] = set()

    def exchange(request: PreparedRequest, send: Send) -> Response:
        flow, form = query_of(request).get("flow", ""), form_of(request)
        if "identifier" in form and form["identifier"] not in passwords_by_address:
            unknown.add(flow)
        answer = send(request)
        if path_of(request) == "/web/login" and flow in unknown:
            answer.status_code = codes.not_found
        return answer

    wire.alter(exchange)


@pytest.fixture
def space_in_password_refused(wire: Wire) -> None:
    """The settings page comes again where a new password has a space in it."""

    def exchange(request: PreparedRequest, send: Send) -> Response:
        if path_of(request) == SETTINGS and " " in form_of(request).get("password", ""):
            request = with_form(request, password="")
        return send(request)

    wire.alter(exchange)
