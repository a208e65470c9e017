"""What takes too long. Last, because nobody can log in meanwhile."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.capabilities.single_sign_on.addresses import parameter
from conformance.capabilities.single_sign_on.logins import (
    asks_for_code,
    can_log_in,
    has_session,
    logged_in,
    sets_password,
)
from conformance.services.login_pages import login_form, shown
from conformance.services.mail import code_in
from conformance.services.oidc import RelyingParty
from conformance.suite.check import check

if TYPE_CHECKING:
    from conformance.capabilities.single_sign_on.login_services import LoginServices
    from conformance.services.oidc import RelyingParty
    from conformance.suite.accounts import Accounts

NOBODY_LOGS_IN = "gives the login services other settings, with which nobody can log in"


@check(
    "single_sign_on.expired_challenge",
    level="extended",
    promise="A login that takes too long is refused with a reason, and the app gets no code.",
    touches="platform",
    effect=NOBODY_LOGS_IN,
)
def test_expired_challenge(
    accounts: Accounts, relying_party: RelyingParty, short_lived: LoginServices
) -> None:
    del short_lived
    page = accounts.login_client(accounts.user("judy")).authorize(relying_party).page
    assert not parameter(page.url, "code"), "an expired login gets a code"
    assert 400 <= page.status < 500, shown(page)


@check(
    "single_sign_on.expired_recovery_code",
    level="extended",
    promise="An expired recovery code is refused.",
    touches="platform",
    effect=NOBODY_LOGS_IN,
)
def test_expired_recovery_code(accounts: Accounts, short_lived: LoginServices) -> None:
    del short_lived
    user = accounts.user("kim")
    kim = accounts.login_client(user)
    page = asks_for_code(kim, accounts)
    code = code_in(accounts.mail.wait_for(user.email).text)
    page = kim.give(page, code=code)
    assert not has_session(kim, accounts), f"an expired code was accepted: {shown(page)}"


@check(
    "single_sign_on.settings_ask_again",
    level="extended",
    promise="A user whose login is not recent must log in again to change the password.",
    touches="platform",
    effect=NOBODY_LOGS_IN,
)
def test_settings_ask_again(accounts: Accounts, short_lived: LoginServices) -> None:
    del short_lived
    user = accounts.user("lena")
    fresh = secrets.token_urlsafe(18)
    page = sets_password(logged_in(accounts, user), accounts, fresh)
    changed = can_log_in(accounts, replace(user, password=fresh))
    assert not changed, f"the password was changed without another login: {shown(page)}"
    assert login_form(page), f"lena is not asked to log in again: {shown(page)}"
