"""What attackers try: forged callbacks and logouts, foreign forms, redirects, scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from conformance.apps.catalogue import APPS, NOTES, WORDPRESS
from conformance.capabilities.single_sign_on.addresses import parameter, with_parameter
from conformance.capabilities.single_sign_on.expectations import (
    cookie_faults,
)
from conformance.capabilities.single_sign_on.forgeries import (
    OTHER_SITES,
    SCRIPT,
    WITHOUT_MARKUP,
    injected,
    posts_from,
    unsigned_logout_token,
    values_of_form,
    without_token,
)
from conformance.services.browser_forms import gives_password
from conformance.services.oidc import RelyingParty
from conformance.suite.check import check, core

if TYPE_CHECKING:
    from conformance.apps.base import App
    from conformance.capabilities.single_sign_on.app_sessions import AppSessions
    from conformance.services.login_pages import LoginClient
    from conformance.services.oidc import RelyingParty
    from conformance.services.visitor import OpenBrowser, Visitor
    from conformance.suite.accounts import Accounts

ANOTHER_NONCE = "that-of-another-login"
"""Hydra issues no id_token with one of less than eight characters, so the app would not see it."""


@check(
    "single_sign_on.forged_callback",
    promise="An app accepts a callback only if the same browser began that login, and nothing was "
    "altered.",
    apps=core("notes", "wordpress"),
)
def test_forged_callback(app: App, app_sessions: AppSessions, accounts: Accounts) -> None:
    victor = accounts.login_client(accounts.user("victor"))
    begun = app_sessions.authorization_request(victor.browser, app)
    callback = victor.walk(begun, app_sessions.callback(app)).url
    victor.browser.open(with_parameter(callback, state="another"))
    assert not app_sessions.knows(victor.browser, app), "the state is not checked"
    begun = app_sessions.authorization_request(victor.browser, app)
    begun = with_parameter(begun, nonce=ANOTHER_NONCE)
    callback = victor.walk(begun, app_sessions.callback(app)).url
    assert parameter(callback, "code"), "the provider issues no code for another nonce"
    victor.browser.open(callback)
    assert not app_sessions.knows(victor.browser, app), "the nonce is not checked"
    mallory = accounts.login_client(accounts.user("mallory"))
    url = app_sessions.authorization_request(mallory.browser, app)
    victor.browser.open(mallory.walk(url, app_sessions.callback(app)).url)
    assert not app_sessions.knows(victor.browser, app), "the login of another browser is accepted"
    victor.walk(app_sessions.url(app, app.login.path), "")
    assert app_sessions.knows(victor.browser, app), "a correct login is refused, too"


@check(
    "single_sign_on.forged_logout_token",
    promise="Only the provider can end a user's login to an app.",
    apps=core("notes", "wordpress"),
)
def test_forged_logout_token(app: App, app_sessions: AppSessions, accounts: Accounts) -> None:
    address = app_sessions.back_channel(app)
    other = accounts.app("other", backChannelLogoutURI=address)
    rupert = accounts.login_client(accounts.user("rupert"))
    rupert.walk(app_sessions.url(app, app.login.path), "")
    assert app_sessions.knows(rupert.browser, app)
    rupert.authorize(other).code()
    token = unsigned_logout_token(accounts.issuer, app_sessions.name(app), rupert.user.id)
    answer = accounts.http().post(address, data={"logout_token": token})
    assert answer.status_code == 400, f"unsigned logout token: HTTP {answer.status_code}"
    # The provider notifies the app that this login has ended, with a token for the other client.
    with app_sessions.without_backchannel_logout(app):
        accounts.hydra.end_logins(rupert.user.id)
        delivered = app_sessions.logout_sent_to(other)
    assert app_sessions.knows(rupert.browser, app), "logged out by somebody else"
    assert "got 400" in delivered, f"the app does not refuse another client's token: {delivered}"


@check(
    "single_sign_on.cross_site_post",
    promise="A form on another site can do nothing in the name of a logged-in user.",
)
def test_cross_site_post(
    accounts: Accounts, relying_party: RelyingParty, visitor: OpenBrowser
) -> None:
    user = accounts.user("ted")
    consent = accounts.page("consent")
    for site in OTHER_SITES:
        with visitor("ted") as ted:
            ted.open(relying_party.attempt().url)
            gives_password(ted, user)
            ted.arrives(consent)
            values = without_token(values_of_form(ted.page))
            posts_from(ted, site.format(domain=accounts.domain), consent, values)
            ted.screenshot("refused")
        granted = accounts.hydra.consents(user.id)
        assert not granted, f"consent was given by a form of {site}"


@check(
    "single_sign_on.open_redirect",
    promise="The platform's pages redirect nobody to a foreign site.",
)
def test_open_redirect(
    login_client: LoginClient, accounts: Accounts, relying_party: RelyingParty
) -> None:
    evil = "https://evil.example/"
    token = login_client.authorize(relying_party).tokens().id_token
    login, kratos = accounts.page("login"), accounts.page("kratos").rstrip("/")
    for address in (
        f"{login}?next={quote(evil)}",
        f"{login}?next=//evil.example/",
        f"{kratos}/self-service/login/browser?return_to={quote(evil)}",
        f"{kratos}/self-service/recovery/browser?return_to={quote(evil)}",
        relying_party.logout_url(token, evil),
    ):
        page = login_client.browser.open(address, evil)
        assert page.status, f"{address.partition('?')[0]} leads to {page.url}"
    login_client.authorize(relying_party).code()


@check(
    "single_sign_on.script_in_display_name",
    promise="A display name with a script in it is shown as plain text on every page.",
)
def test_script_in_display_name(
    accounts: Accounts, app_sessions: AppSessions, visitor: OpenBrowser
) -> None:
    user = accounts.user("bobby", name=SCRIPT, may_use={"dashboard": "admin"})
    with visitor("bobby") as bobby:
        for app, name in {NOTES: SCRIPT, WORDPRESS: WITHOUT_MARKUP}.items():
            app_sessions.is_asked_to_allow(bobby, app, user)
            shows_name_as_text(bobby)
            bobby.screenshot(f"consent for {app.name}")
            app_sessions.allows(bobby, app)
            shows_name_as_text(bobby, name)
            assert app_sessions.user_of(bobby, app) == name
            bobby.screenshot(app.name)
        pages = [f"{accounts.dashboard}{path}" for path in ("", "/users", f"/users/{user.id}")]
        for page in (*pages, accounts.page("settings")):
            bobby.open(page)
            shows_name_as_text(bobby)
        bobby.screenshot("settings")


def shows_name_as_text(visitor: Visitor, name: str = SCRIPT) -> None:
    """Assert that the page shows the name as text, not as markup."""
    at = visitor.page.url.partition("?")[0]
    assert not (found := injected(visitor)), f"the name is markup at {at}: {found}"
    text = visitor.page.locator("body").inner_text()
    assert name in text, f"the name is not shown at {at}: {text[:300]}"


@check(
    "single_sign_on.cookie_flags",
    promise="Login cookies are Secure, HttpOnly, and not sent with another site's forms.",
)
def test_cookie_flags(
    accounts: Accounts,
    app_sessions: AppSessions,
    visitor: OpenBrowser,
) -> None:
    user = accounts.user("carol")
    with visitor("carol") as carol:
        for app in APPS.values():
            app_sessions.logs_in(carol, app, user)
        carol.open(accounts.page("settings"))
        cookies = carol.cookies()
    owners = {cookie["domain"].lstrip(".") for cookie in cookies}
    addresses = [accounts.dashboard, accounts.issuer, *map(app_sessions.url, APPS.values())]
    missing = {str(urlsplit(one).hostname) for one in addresses} - owners
    assert not missing, f"there are no cookies of {missing}, only of {owners}"
    assert not (faults := cookie_faults(cookies)), "; ".join(faults)
