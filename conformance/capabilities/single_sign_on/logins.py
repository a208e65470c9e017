"""Logins at the platform's own pages in a browser without a window: password, code, factor."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests

from conformance.services.login_pages import shown

if TYPE_CHECKING:
    from conformance.services.form_browser import Page
    from conformance.services.login_pages import LoginClient, User
    from conformance.suite.accounts import Accounts

SHORTEST_PASSWORD = 12
"""Characters that a password has at least: OWASP ASVS 4.0.3, 2.1.1."""


def altered(code: str) -> str:
    """Return another code than this one."""
    return f"{(int(code) + 1) % 10 ** len(code):0{len(code)}d}"


def asks_for_code(login_client: LoginClient, accounts: Accounts) -> Page:
    """Ask for a recovery code by mail; return the page that wants it."""
    page = login_client.browser.open(accounts.page("recovery"))
    return login_client.give(page, email=login_client.user.email, method="code")


def logged_in(accounts: Accounts, user: User) -> LoginClient:
    """Give a user's address and password in a browser that nobody has used before."""
    login_client = accounts.login_client(user)
    login_client.log_in(login_client.browser.open(accounts.page("login")))
    return login_client


def can_log_in(accounts: Accounts, user: User) -> bool:
    """Whether address and password are enough for a session."""
    return has_session(logged_in(accounts, user), accounts)


def sets_password(login_client: LoginClient, accounts: Accounts, password: str) -> Page:
    """Ask for another password on the settings page; return the page that answers."""
    page = login_client.browser.open(accounts.page("settings"))
    return login_client.give(page, password=password, method="password")


def weak_passwords(user: User) -> dict[str, str]:
    """Return passwords that must be refused, by what is wrong with each.

    Their length is that of OWASP ASVS 4.0.3, 2.1.1; NIST SP 800-63B, 5.1.1.2, is against what is
    derived from a user's name.
    """
    short = secrets.token_hex(SHORTEST_PASSWORD)[: SHORTEST_PASSWORD - 1]
    return {
        f"a password of {len(short)} characters": short,
        "the user's address": user.email,
        "the user's address and a digit": f"{user.email}1",
    }


def pass_phrase() -> str:
    """Return words and spaces, of 71 characters: at least 64 must do (OWASP ASVS 4.0.3, 2.1.2).

    A Kratos that hashes with bcrypt takes no more than 72 bytes.
    """
    return " ".join(secrets.token_hex(4) for _ in range(8))


def has_session(login_client: LoginClient, accounts: Accounts) -> bool:
    """Whether Kratos knows who sits in front of this browser, every factor included."""
    answer = login_client.browser.http.get(accounts.whoami)
    return bool(answer.status_code == requests.codes.ok)


@dataclass
class FirstFactorGiven:
    """Somebody who gave their password, and is asked for the second factor."""

    login_client: LoginClient
    page: Page
    accounts: Accounts

    @classmethod
    def by(cls, accounts: Accounts, user: User) -> FirstFactorGiven:
        """Give the password in a browser that nobody has used before."""
        login_client = accounts.login_client(user)
        page = login_client.log_in(login_client.browser.open(accounts.page("login")))
        assert page.find("totp_code"), f"not asked for the second factor: {shown(page)}"
        return cls(login_client, page, accounts)

    def gets_in(self, **factor: str) -> bool:
        """Give a second factor; whether that is enough."""
        [name] = factor
        method = name.removesuffix("_code")
        self.page = self.login_client.give(self.page, **factor, method=method)
        return has_session(self.login_client, self.accounts)
