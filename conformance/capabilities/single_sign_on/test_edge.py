"""What the platform promises to browsers at its edge: https alone, and nothing kept in caches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.apps.catalogue import APPS
from conformance.capabilities.single_sign_on.edge import kept_by_browsers, transport_faults
from conformance.services.tls import CannotSpeak
from conformance.suite.check import check, not_run

if TYPE_CHECKING:
    from conformance.capabilities.single_sign_on.app_sessions import AppSessions
    from conformance.suite.accounts import Accounts


@check(
    "single_sign_on.https_only",
    promise="Plain http leads to https on each host, TLS is 1.2 or newer, and browsers keep to it.",
)
def test_https_only(accounts: Accounts, app_sessions: AppSessions) -> None:
    http = accounts.http()
    discovery = f"{accounts.issuer.rstrip('/')}/.well-known/openid-configuration"
    urls = [accounts.page("login"), discovery, *map(app_sessions.url, APPS.values())]
    try:
        faults = [fault for url in urls for fault in transport_faults(http, url)]
    except CannotSpeak as error:
        not_run(f"this machine's OpenSSL cannot ask for old versions of TLS: {error}")
    assert not faults, "; ".join(faults)


@check(
    "single_sign_on.pages_not_cached",
    promise="No cache and no browser keeps what a logged-in user is shown.",
)
def test_pages_not_cached(accounts: Accounts, app_sessions: AppSessions) -> None:
    user = accounts.user("nora", name="Nora Notkept")
    nora = accounts.login_client(user)
    for app in APPS.values():
        nora.walk(app_sessions.url(app, app.login.path), "")
        assert app_sessions.knows(nora.browser, app), f"not logged in to {app.name}"
    pages = [accounts.dashboard, accounts.page("settings"), accounts.whoami]
    pages += map(app_sessions.url, APPS.values())
    answers = {page: nora.browser.http.get(page) for page in pages}
    personal = {
        page: answer
        for page, answer in answers.items()
        if user.email in answer.text or user.name in answer.text
    }
    assert accounts.whoami in personal, f"{accounts.whoami} does not say who is logged in"
    kept = [f"{page}: {how}" for page, one in personal.items() if (how := kept_by_browsers(one))]
    assert not kept, "; ".join(kept)
