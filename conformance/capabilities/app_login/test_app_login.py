"""An app package on a cluster, level 6: one login.

People log in to the app with the platform's login, in a browser, from the app's own page; the
description says where that begins, which page shows who is logged in, and how people log out.
One installation serves all checks of an app.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.apps.package.abilities import Ability
from conformance.common.soon import soon
from conformance.services.login_pages import Answer, shown
from conformance.services.oidc import RelyingParty, resembling
from conformance.suite.check import check, extended, not_applicable

if TYPE_CHECKING:
    from conformance.apps.package.client import AppClient
    from conformance.apps.package.login import AppLogin
    from conformance.apps.package.running import RunningApp
    from conformance.report.evidence import EvidenceBox
    from conformance.services.login_pages import User
    from conformance.services.visitor import OpenBrowser
    from conformance.suite.accounts import Accounts

ON = extended("notes", "wordpress")
LOGIN = (Ability.LOGIN,)


@check(
    "app_login.client_registered",
    promise="The provider knows the app by its OAuth2Client, with the redirect URIs as written.",
    apps=ON,
    app_level=6,
    abilities=LOGIN,
)
def test_client_registered(
    delivered: RunningApp, app_clients: list[AppClient], accounts: Accounts
) -> None:
    assert app_clients, "the package has no OAuth2Client"
    timeouts, at_most = accounts.kube.timeouts, delivered.delivery.limit.at_most
    discovery = f"{accounts.issuer}.well-known/openid-configuration"
    accounts.http().get_routed(discovery, within=at_most(timeouts.routing_after_restart))
    for client in app_clients:
        client.wait_ready(at_most(timeouts.oauth2_client))
        known_by = client.credentials().client_id
        registered = accounts.hydra.client(known_by)
        assert registered, f"{client} is Ready, and the provider has no client {known_by}"
        written, found = client.redirect_uris, registered["redirect_uris"]
        assert found == written, f"{client} has the redirect URIs {written}, the provider {found}"


@check(
    "app_login.logs_in",
    promise="Somebody with a role for the app logs in from the app's own page.",
    apps=ON,
    app_level=6,
    abilities=LOGIN,
)
def test_logs_in(
    login: AppLogin, member: User, visitor: OpenBrowser, evidence: EvidenceBox
) -> None:
    with visitor("mia") as mia:
        assert not login.shows(mia, member), "the app shows a user who has not logged in"
        with evidence.timed("login"):
            login.log_in(mia, member)
        mia.screenshot("logged in")


@check(
    "app_login.second_login_without_password",
    promise="Somebody who is logged in to the platform gets into the app without a password.",
    apps=ON,
    app_level=6,
    abilities=LOGIN,
)
def test_second_login_without_password(login: AppLogin, member: User, visitor: OpenBrowser) -> None:
    with visitor("mia") as mia:
        login.log_in_to_platform(mia, member)
        login.begin(mia)
        assert not login.wants_password(mia), f"asked for the password again: {mia.seen()}"
        login.log_in(mia, member)


@check(
    "app_login.person_without_role_kept_out",
    promise="Somebody without a role for the app is kept out of it.",
    apps=ON,
    app_level=6,
    abilities=LOGIN,
)
def test_person_without_role_kept_out(
    login: AppLogin, member: User, accounts: Accounts, visitor: OpenBrowser
) -> None:
    stranger = accounts.user("olga", may_use={})
    with visitor("olga") as olga:
        login.begin(olga)
        login.answer(olga, stranger)
        olga.screenshot("refused")
        assert not login.shows(olga, stranger), "a user without a role for the app is let in"
    with visitor("mia") as mia:
        login.log_in(mia, member)


@check(
    "app_login.logout_here_ends_session",
    promise="Logging out of the app ends the login there and at the platform.",
    apps=ON,
    app_level=6,
    abilities=LOGIN,
)
def test_logout_here_ends_session(
    login: AppLogin, member: User, visitor: OpenBrowser, told_within: float
) -> None:
    with visitor("mia") as mia:
        login.log_in(mia, member)
        login.log_out(mia)
        mia.screenshot("logged out")
        assert soon(lambda: not login.shows(mia, member), within=told_within), (
            "the app still shows a user who has logged out there"
        )
        login.begin(mia)
        assert login.wants_password(mia), (
            f"logged out of the app, but not of the platform, where it goes on:\n{mia.seen()}"
        )


@check(
    "app_login.platform_logout_ends_session",
    promise="Logging out of the platform ends the login at the app.",
    apps=ON,
    app_level=6,
    abilities=LOGIN,
)
def test_platform_logout_ends_session(
    login: AppLogin, member: User, visitor: OpenBrowser, told_within: float
) -> None:
    with visitor("mia") as mia:
        login.log_in(mia, member)
        login.log_out_of_platform(mia)
        mia.screenshot("logged out")
        assert soon(lambda: not login.shows(mia, member), within=told_within), (
            "the app still shows a user who has logged out of the platform"
        )


@check(
    "app_login.redirect_uri_exact",
    promise="The provider sends the app's users to its redirect URIs, and to no other address.",
    apps=ON,
    app_level=6,
    abilities=LOGIN,
)
def test_redirect_uri_exact(client: AppClient, member: User, accounts: Accounts) -> None:
    party = RelyingParty(accounts.http(), accounts.provider, client.credentials())
    login_client = accounts.login_client(member)
    for right in client.redirect_uris:
        attempt = party.attempt(redirect_uri=right, scope="openid")
        assert Answer(party, attempt, login_client.walk(attempt.url, right)).code()
        for variant, address in resembling(right).items():
            attempt = party.attempt(redirect_uri=address, scope="openid")
            answer = Answer(party, attempt, login_client.walk(attempt.url, address))
            assert answer.page.status >= 400, f"{variant}: sent to {address}"
            assert answer.error() == "invalid_request", f"{variant}: {shown(answer.page)}"


@check(
    "app_login.disabled_person_out",
    promise="Somebody whose account is disabled is logged out of the app, and cannot log in again.",
    apps=ON,
    app_level=6,
    abilities=LOGIN,
)
def test_disabled_person_out(
    login: AppLogin, member: User, accounts: Accounts, visitor: OpenBrowser, told_within: float
) -> None:
    with visitor("mia") as mia:
        login.log_in(mia, member)
        accounts.disable(member)
        assert soon(lambda: not login.shows(mia, member), within=told_within), (
            "the app still shows a user whose account is disabled"
        )
    with visitor("mia, another day") as mia:
        login.begin(mia)
        login.answer(mia, member)
        mia.screenshot("refused")
        assert not login.shows(mia, member), "a user whose account is disabled is let in"


@check(
    "app_login.rotated_secret_works",
    promise="A new client secret in the app's Secret reaches the app and the provider.",
    apps=ON,
    app_level=6,
    abilities=LOGIN,
)
def test_rotated_secret_works(
    running: RunningApp,
    login: AppLogin,
    client: AppClient,
    member: User,
    accounts: Accounts,
    visitor: OpenBrowser,
) -> None:
    if not client.has_secret:
        not_applicable("the app's client has no secret")
    old = RelyingParty(accounts.http(), accounts.provider, client.credentials())
    client.replace_secret()
    new = RelyingParty(accounts.http(), accounts.provider, client.credentials())
    running.delivery.reconcile()
    running.delivery.wait_ready()
    assert client.credentials() == new.client, f"Flux has put the old secret of {client} back"
    known = soon(new.is_authenticated, within=accounts.kube.timeouts.oauth2_client)
    assert known, "the provider does not take the new client secret"
    assert not old.is_authenticated(), "the provider still takes the old client secret"
    running.prove_again()
    with visitor("mia") as mia:
        login.log_in(mia, member)
