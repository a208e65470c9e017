"""Logouts that begin at an app, in a browser without a window.

https://openid.net/specs/openid-connect-rpinitiated-1_0.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.capabilities.single_sign_on.addresses import parameter
from conformance.services.oidc import resembling

if TYPE_CHECKING:
    from conformance.services.form_browser import Page
    from conformance.services.login_pages import LoginClient
    from conformance.services.oidc import RelyingParty


def home_of(app: RelyingParty) -> str:
    """Return the address of an app that is registered for the end of a logout."""
    return app.client.redirect_uri.replace("/callback", "/")


def logs_out(login_client: LoginClient, url: str, until: str) -> Page:
    """Go to ``url`` to log out, and say so where the platform asks; return where that ends.

    An address that begins with ``until`` is reached and not asked.
    """
    page = login_client.browser.open(url, until)
    if form := page.find("logout_challenge"):
        return login_client.browser.send(page, form, dict(form.buttons[:1]), until)
    return page


def is_logged_in(login_client: LoginClient, app: RelyingParty) -> bool:
    """Whether an app is told who is logged in without a page being shown (``prompt=none``)."""
    silent = app.attempt(prompt="none").url
    page = login_client.browser.open(silent, app.client.redirect_uri)
    return bool(parameter(page.url, "code"))


def not_registered(app: RelyingParty, other: RelyingParty) -> dict[str, str]:
    """Return addresses that are not registered for the end of a logout, by what differs."""
    return {**resembling(home_of(app)), "the address of another app": home_of(other)}
