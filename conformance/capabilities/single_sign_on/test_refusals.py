"""Who does not get in, and what the provider refuses an app."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.capabilities.single_sign_on.addresses import parameter
from conformance.capabilities.single_sign_on.expectations import (
    refused,
)
from conformance.capabilities.single_sign_on.forgeries import resigned, self_signed
from conformance.capabilities.single_sign_on.logins import (
    can_log_in,
    logged_in,
    pass_phrase,
    sets_password,
    weak_passwords,
)
from conformance.capabilities.single_sign_on.logouts import home_of, is_logged_in
from conformance.services.form_browser import visible
from conformance.services.login_pages import login_form, shown
from conformance.services.oidc import RelyingParty, resembling, unsigned
from conformance.suite.check import check

if TYPE_CHECKING:
    from conformance.services.login_pages import LoginClient
    from conformance.services.oidc import RelyingParty
    from conformance.suite.accounts import Accounts


@check(
    "single_sign_on.wrong_password",
    promise="A wrong password and an unknown user are refused with the same page.",
)
def test_wrong_password(accounts: Accounts, relying_party: RelyingParty) -> None:
    user = accounts.user("eve")
    wrong = f"{user.password}x"
    seen = []
    for email in (user.email, f"nobody-{user.email}"):
        somebody = accounts.login_client(user)
        page = somebody.browser.open(relying_party.attempt().url, relying_party.client.redirect_uri)
        page = somebody.give(
            page,
            relying_party.client.redirect_uri,
            identifier=email,
            password=wrong,
            method="password",
        )
        assert login_form(page), f"{email} with a wrong password is not asked again: {shown(page)}"
        seen.append((page.status, visible(page.text).replace(email, "")))
    assert seen[0] == seen[1], f"a wrong password shows {seen[0]}, an unknown user {seen[1]}"


@check(
    "single_sign_on.weak_password_refused",
    promise="A short password, or one that is like the user's address, is refused; a long pass "
    "phrase with spaces is accepted.",
)
def test_weak_password_refused(accounts: Accounts) -> None:
    user = accounts.user("dana")
    dana = logged_in(accounts, user)
    for what, weak in weak_passwords(user).items():
        sets_password(dana, accounts, weak)
        assert not can_log_in(accounts, replace(user, password=weak)), f"{what} is accepted"
    phrase = pass_phrase()
    page = sets_password(dana, accounts, phrase)
    accepted = can_log_in(accounts, replace(user, password=phrase))
    assert accepted, f"a pass phrase of {len(phrase)} characters is refused: {shown(page)}"


@check(
    "single_sign_on.disabled_user",
    promise="A disabled user cannot log in, and the user's existing logins and tokens end.",
)
def test_disabled_user(accounts: Accounts, relying_party: RelyingParty) -> None:
    mallory = accounts.login_client(accounts.user("mallory"))
    tokens = mallory.authorize(relying_party).tokens()
    unused = mallory.authorize(relying_party)
    unused.code()
    accounts.disable(mallory.user)
    another_day = accounts.login_client(mallory.user)
    for how, login_client in {
        "goes on with the old login": mallory,
        "is let in": another_day,
    }.items():
        answer = login_client.authorize(relying_party)
        assert answer.page.status, f"a disabled user {how}: {answer.error()}"
        assert answer.page.status == 401, shown(answer.page)
        assert "disabled" in visible(answer.page.text), f"does not say why: {shown(answer.page)}"
    with refused("a disabled user's refresh token", "invalid_grant"):
        relying_party.refresh(tokens)
    assert not accounts.hydra.is_active(tokens.access_token), "their access token is still valid"
    with refused("a code issued before the user was disabled", "invalid_grant"):
        unused.tokens()


@check(
    "single_sign_on.user_without_role",
    promise="A user without a role for an app cannot log in to it.",
)
def test_user_without_role(accounts: Accounts, relying_party: RelyingParty) -> None:
    oscar = accounts.login_client(accounts.user("oscar", may_use={"notes": "user"}))
    with refused("a login without a role for the app", "access_denied"):
        oscar.authorize(relying_party).code()


@check(
    "single_sign_on.consent_denied",
    promise="A user who denies consent is not logged in to the app.",
)
def test_consent_denied(accounts: Accounts, relying_party: RelyingParty) -> None:
    trent = accounts.login_client(accounts.user("trent"))
    with refused("a login without consent", "access_denied"):
        trent.authorize(relying_party, allow=False).code()
    trent.authorize(relying_party).code()
    assert trent.asked == ["password", "consent", "consent"], "consent is not asked for again"


@check(
    "single_sign_on.redirect_uri_exact",
    promise="A code is sent only to the app's registered redirect URI.",
)
def test_redirect_uri_exact(login_client: LoginClient, relying_party: RelyingParty) -> None:
    right = relying_party.client.redirect_uri
    for variant, address in resembling(right).items():
        page = login_client.walk(relying_party.attempt(redirect_uri=address).url, address)
        assert page.status >= 400, f"{variant}: sent to {page.url}"
        assert parameter(page.url, "error") == "invalid_request", f"{variant}: {shown(page)}"


@check(
    "single_sign_on.client_secret",
    promise="An app that cannot prove its identity gets no tokens.",
)
def test_client_secret(login_client: LoginClient, relying_party: RelyingParty) -> None:
    answer = login_client.authorize(relying_party)
    with refused("a wrong client secret", "invalid_client"):
        relying_party.redeem(
            answer.code(), answer.attempt, client_secret=f"{relying_party.client.client_secret}x"
        )


@check(
    "single_sign_on.code_once",
    promise="A code works once; if it is used again, the tokens issued for it end.",
)
def test_code_once(login_client: LoginClient, relying_party: RelyingParty) -> None:
    answer = login_client.authorize(relying_party)
    tokens = answer.tokens()
    with refused("a used code", "invalid_grant"):
        answer.tokens()
    with refused("the access token issued for a reused code", "request_unauthorized"):
        relying_party.userinfo(tokens.access_token)


@check(
    "single_sign_on.pkce",
    promise="A code cannot be redeemed without the code_verifier of the login that asked for it.",
)
def test_pkce(login_client: LoginClient, relying_party: RelyingParty) -> None:
    for which, verifier in {"a wrong": relying_party.attempt().verifier, "no": ""}.items():
        answer = login_client.authorize(relying_party)
        with refused(f"{which} code_verifier", "invalid_grant"):
            relying_party.redeem(answer.code(), answer.attempt, code_verifier=verifier)


@check(
    "single_sign_on.token_of_another_client",
    promise="An app cannot use another app's code, refresh token or id_token.",
)
def test_token_of_another_client(
    login_client: LoginClient, relying_party: RelyingParty, other_app: RelyingParty
) -> None:
    answer = login_client.authorize(relying_party)
    code = answer.code()
    tokens = login_client.authorize(relying_party).tokens()
    with refused("the refresh token of another app", "invalid_grant"):
        other_app.refresh(tokens)
    with refused("the code of another app", "invalid_grant"):
        other_app.redeem(code, answer.attempt, redirect_uri=relying_party.client.redirect_uri)
    home = home_of(other_app)
    page = login_client.browser.open(other_app.logout_url(tokens.id_token, home), home)
    assert page.status >= 400, f"logged out for another app, by its id_token: {shown(page)}"


@check(
    "single_sign_on.unsigned_id_token",
    promise="An id_token that the provider did not sign logs nobody out.",
)
def test_unsigned_id_token(login_client: LoginClient, relying_party: RelyingParty) -> None:
    token = login_client.authorize(relying_party).tokens().id_token
    home = home_of(relying_party)
    for how, forged in {
        "an unsigned": unsigned(token),
        "an altered": resigned(token),
        "a self-signed": self_signed(token),
    }.items():
        page = login_client.browser.open(relying_party.logout_url(forged, home), home)
        assert page.status >= 400, f"logged out by {how} id_token: {shown(page)}"
    assert is_logged_in(login_client, relying_party), "logged out nevertheless"


@check(
    "single_sign_on.used_challenge",
    promise="A login or consent that was already answered, or that is unknown, is refused.",
)
def test_used_challenge(accounts: Accounts, relying_party: RelyingParty) -> None:
    peggy = accounts.login_client(accounts.user("peggy"))
    page = peggy.log_in(peggy.browser.open(relying_party.attempt().url))
    used = page.url
    peggy.give(page, relying_party.client.redirect_uri, decision="accept")
    for which, challenge in {"used": used, "unknown": used[:-8] + "AAAAAAAA"}.items():
        page = peggy.walk(challenge, relying_party.client.redirect_uri)
        assert not parameter(page.url, "code"), f"a consent that is {which} gets a code"
        assert page.status >= 400 or parameter(page.url, "error") == "access_denied", shown(page)
    page = peggy.browser.open(f"{accounts.page('login')}?login_challenge=unknown")
    assert 400 <= page.status < 500, shown(page)
