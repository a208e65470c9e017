"""Logouts that begin at an app, with and without what it may say about them.

OpenID Connect RP-Initiated Logout 1.0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.capabilities.single_sign_on.addresses import parameter
from conformance.capabilities.single_sign_on.logouts import (
    home_of,
    is_logged_in,
    logs_out,
    not_registered,
)
from conformance.services.login_pages import shown
from conformance.suite.check import check, core

if TYPE_CHECKING:
    from conformance.apps.base import App
    from conformance.capabilities.single_sign_on.app_sessions import AppSessions
    from conformance.report.evidence import EvidenceBox
    from conformance.services.login_pages import LoginClient
    from conformance.services.oidc import RelyingParty
    from conformance.suite.accounts import Accounts


@check(
    "single_sign_on.logout_leads_back",
    promise="A user who logs out at an app is led back to it with its state, and has to log in "
    "again.",
)
def test_logout_leads_back(accounts: Accounts, relying_party: RelyingParty) -> None:
    paul, home = accounts.login_client(accounts.user("paul")), home_of(relying_party)
    for state in ("a state of the app's", ""):
        token = paul.authorize(relying_party).tokens().id_token
        page = logs_out(paul, relying_party.logout_url(token, home, state), home)
        assert page.status == 0, f"not led back to the app: {shown(page)}"
        told = parameter(page.url, "state")
        assert told == state, f"the app gets the state {told!r} in place of {state!r}"
        assert not is_logged_in(paul, relying_party), "still logged in at the provider"
    assert paul.asked.count("password") == 2, f"paul was asked for {paul.asked}"


@check(
    "single_sign_on.logout_without_address",
    promise="A logout without an address to return to ends the login, and stays on the platform.",
)
def test_logout_without_address(accounts: Accounts, relying_party: RelyingParty) -> None:
    petra, home = accounts.login_client(accounts.user("petra")), home_of(relying_party)
    for what, has_token in {"with an id_token alone": True, "without parameters": False}.items():
        token = petra.authorize(relying_party).tokens().id_token
        page = logs_out(petra, relying_party.logout_url(token if has_token else ""), home)
        assert page.status == 200, f"a logout {what} ends {shown(page)}"
        assert not is_logged_in(petra, relying_party), f"still logged in after a logout {what}"


@check(
    "single_sign_on.logout_without_id_token",
    promise="A logout without an app's id_token leads to no app.",
)
def test_logout_without_id_token(
    accounts: Accounts, relying_party: RelyingParty, evidence: EvidenceBox
) -> None:
    pia, home = accounts.login_client(accounts.user("pia")), home_of(relying_party)
    pia.authorize(relying_party).code()
    page = logs_out(pia, relying_party.logout_url(return_to=home), home)
    assert page.status, f"led to {page.url} without an id_token"
    assert page.status < 500, f"with an address alone: {shown(page)}"
    pia.authorize(relying_party).code()
    page = logs_out(pia, relying_party.logout_url(state="a state of nobody's"), home)
    assert 0 < page.status < 500, f"with a state alone: {shown(page)}"
    if is_logged_in(pia, relying_party):
        evidence.note("Upstream finding: Hydra refuses a logout with a state alone.")


@check(
    "single_sign_on.logout_address_exact",
    promise="A logout leads to no address but the app's registered one.",
)
def test_logout_address_exact(
    login_client: LoginClient, relying_party: RelyingParty, other_app: RelyingParty
) -> None:
    token = login_client.authorize(relying_party).tokens().id_token
    for variant, address in not_registered(relying_party, other_app).items():
        page = logs_out(login_client, relying_party.logout_url(token, address), address)
        assert page.status, f"{variant}: led to {page.url}"


@check(
    "single_sign_on.logout_asks_first",
    level="extended",
    promise="A logout link without an app's id_token logs nobody out: the user is asked first.",
)
def test_logout_asks_first(accounts: Accounts, relying_party: RelyingParty) -> None:
    pablo = accounts.login_client(accounts.user("pablo"))
    pablo.authorize(relying_party).code()
    for address in (relying_party.logout_url(), accounts.page("logout")):
        pablo.browser.open(address)
        assert is_logged_in(pablo, relying_party), f"logged out by the link {address} alone"


@check(
    "single_sign_on.logout_seen_at_first_load",
    promise="After a logout elsewhere, the first page that a user opens at an app shows nobody "
    "logged in.",
    apps=core("notes", "wordpress"),
)
def test_logout_seen_at_first_load(
    app: App, accounts: Accounts, app_sessions: AppSessions, relying_party: RelyingParty
) -> None:
    nina, home = accounts.login_client(accounts.user("nina")), home_of(relying_party)
    nina.walk(app_sessions.url(app, app.login.path), "")
    assert app_sessions.knows(nina.browser, app), f"{app.name} does not let nina in"
    token = nina.authorize(relying_party).tokens().id_token
    elsewhere = relying_party.logout_url(token, home)
    app_sessions.logs_out_elsewhere(nina, elsewhere, home, app)
    still = app_sessions.knows(nina.browser, app)
    assert not still, f"{app.name} was told of the logout, and its next page has nina logged in"
