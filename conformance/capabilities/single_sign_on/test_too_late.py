"""What takes too long. Last, because nobody can log in meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.capabilities.single_sign_on.addresses import parameter
from conformance.capabilities.single_sign_on.logins import (
    asks_for_code,
    code_in,
    has_session,
)
from conformance.services.login_pages import shown
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
