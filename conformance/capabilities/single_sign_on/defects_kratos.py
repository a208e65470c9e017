"""Kratos takes codes that it has to refuse: altered ones, and those that were used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING

import pytest
import requests

from conformance.services.mail import code_in
from conformance.suite.wire import answered_again, form_of, path_of, with_form

if TYPE_CHECKING:
    from conformance.services.mail import Mails
    from conformance.suite.wire import Send, Wire

RECOVERY = "/self-service/recovery"
WHOAMI = "/sessions/whoami"
SESSION_COOKIE = "ory_kratos_session"


@pytest.fixture
def altered_recovery_code_accepted(wire: Wire, mail: Mails) -> None:
    """Whatever code is given, the platform goes on as with the right one."""
    addresses: list[str] = []

    def exchange(request: requests.PreparedRequest, send: Send) -> requests.Response:
        form = form_of(request)
        if path_of(request) == RECOVERY and "code" in form:
            right = code_in(mail.wait_for(addresses[-1]).text)
            request = with_form(request, code=right)
        elif path_of(request) == RECOVERY and "email" in form:
            addresses.append(form["email"])
        return send(request)

    wire.alter(exchange)


@pytest.fixture
def used_recovery_code_accepted(wire: Wire) -> None:
    """A recovery code that comes again gets what it got at first, a session."""
    wire.alter(
        answered_again(
            lambda request: form_of(request).get("code") if path_of(request) == RECOVERY else None
        )
    )


@pytest.fixture
def any_authenticator_code_accepted(wire: Wire) -> None:
    """Every code of an authenticator is good enough as a second factor."""
    _completes_login(wire, lambda form: "totp_code" in form)


@pytest.fixture
def used_second_factor_accepted(wire: Wire) -> None:
    """A recovery code that was a second factor before is one again."""
    used: set[str] = set()

    def comes_again(form: Mapping[str, str]) -> bool:
        code = form.get("lookup_secret", "")
        again = code in used
        used.add(code)
        return again and bool(code)

    _completes_login(wire, comes_again)


def _completes_login(wire: Wire, enough: Callable[[Mapping[str, str]], bool]) -> None:
    """Let Kratos know whoever has sent a form that is ``enough``."""
    sessions: set[str] = set()

    def exchange(request: requests.PreparedRequest, send: Send) -> requests.Response:
        cookie = SimpleCookie(request.headers.get("Cookie", "")).get(SESSION_COOKIE)
        session = cookie.value if cookie else ""
        if enough(form_of(request)):
            sessions.add(session)
        answer = send(request)
        if path_of(request) == WHOAMI and session in sessions:
            answer.status_code = requests.codes.ok
        return answer

    wire.alter(exchange)
