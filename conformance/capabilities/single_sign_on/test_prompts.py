"""How recent a login an app wants, and whether the user may be asked for one.

Every OpenID Provider must support it: OpenID Connect Core 1.0, section 15.1.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from conformance.capabilities.single_sign_on.addresses import parameter
from conformance.services.login_pages import shown
from conformance.services.oidc import LEEWAY
from conformance.suite.check import check

if TYPE_CHECKING:
    from conformance.services.login_pages import Answer
    from conformance.services.oidc import RelyingParty
    from conformance.suite.accounts import Accounts

ANEW = ["password", "consent", "password"]
"""What a user is asked for who logs in to an app twice."""


@check(
    "single_sign_on.prompt_none",
    promise="An app can find out who is logged in, or that nobody is, without a page being shown.",
)
def test_prompt_none(accounts: Accounts, relying_party: RelyingParty) -> None:
    quinn = accounts.login_client(accounts.user("quinn"))
    silently = relying_party.attempt(prompt="none").url
    page = quinn.browser.open(silently, relying_party.client.redirect_uri)
    error = parameter(page.url, "error")
    assert error == "login_required", f"nobody is logged in: {error or shown(page)}"
    asked = claims_of(quinn.authorize(relying_party))
    silent = claims_of(quinn.authorize(relying_party, relying_party.attempt(prompt="none")))
    assert (silent["sub"], silent["auth_time"]) == (quinn.user.id, asked["auth_time"])
    assert quinn.asked == ["password", "consent"], f"quinn was asked for {quinn.asked}"


@check(
    "single_sign_on.prompt_login",
    promise="An app can have a logged-in user log in again.",
)
def test_prompt_login(accounts: Accounts, relying_party: RelyingParty) -> None:
    rose = accounts.login_client(accounts.user("rose"))
    rose.authorize(relying_party).code()
    rose.authorize(relying_party, relying_party.attempt(prompt="login")).code()
    assert rose.asked == ANEW, f"rose was asked for {rose.asked}"


@check(
    "single_sign_on.max_age",
    promise="An app can demand a login that is not older than it says.",
)
def test_max_age(accounts: Accounts, relying_party: RelyingParty) -> None:
    sybil = accounts.login_client(accounts.user("sybil"))
    sybil.authorize(relying_party).code()
    sybil.authorize(relying_party, relying_party.attempt(max_age="3600")).code()
    assert sybil.asked == ["password", "consent"], f"a recent login does not do: {sybil.asked}"
    began = time.time() - LEEWAY
    answer = sybil.authorize(relying_party, relying_party.attempt(max_age="0"))
    assert sybil.asked == ANEW, f"an old login does: {sybil.asked}"
    auth_time = claims_of(answer)["auth_time"]
    assert auth_time > began, f"auth_time is {began - auth_time:.0f} seconds before the login"


@check(
    "single_sign_on.prompt_consent",
    promise="An app can have a user asked again for consent that was given before.",
)
def test_prompt_consent(accounts: Accounts, relying_party: RelyingParty) -> None:
    wanda = accounts.login_client(accounts.user("wanda"))
    wanda.authorize(relying_party).code()
    wanda.authorize(relying_party, relying_party.attempt(prompt="consent")).code()
    assert wanda.asked == ["password", "consent", "consent"], f"wanda was asked for {wanda.asked}"


@check(
    "single_sign_on.prompt_select_account",
    promise="An app that wants the user to choose an account gets an answer, even if it is an "
    "error.",
)
def test_prompt_select_account(accounts: Accounts, relying_party: RelyingParty) -> None:
    wim = accounts.login_client(accounts.user("wim"))
    wim.authorize(relying_party).code()
    answer = wim.authorize(relying_party, relying_party.attempt(prompt="select_account"))
    told = {name: parameter(answer.callback, name) for name in ("code", "error", "state")}
    assert told["code"] or told["error"], f"the app is told neither code nor error: {told}"
    assert told["state"] == answer.attempt.state, "the app cannot tell whose answer it is"


def claims_of(answer: Answer) -> dict[str, Any]:
    """Return what an app learns by a login of who is logged in."""
    return answer.app.verified(answer.tokens().id_token, answer.attempt.nonce)
