"""Somebody who lost a password, and asks for a code by mail to get in with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import requests

from conformance.services.form_browser import visible
from conformance.services.mail import code_in

if TYPE_CHECKING:
    from conformance.services.form_browser import Page
    from conformance.services.login_pages import LoginClient
    from conformance.suite.accounts import Accounts


@dataclass(frozen=True)
class Recovery:
    """A user who has asked for a code, in front of the page that wants it."""

    accounts: Accounts
    login_client: LoginClient
    page: Page

    @classmethod
    def of(cls, nick: str, accounts: Accounts) -> Self:
        """Let a new user ask for a code."""
        login_client = accounts.login_client(accounts.user(nick))
        page = login_client.browser.open(accounts.page("recovery"))
        email = login_client.user.email
        return cls(accounts, login_client, login_client.give(page, email=email, method="code"))

    @property
    def email(self) -> str:
        """The user's address."""
        return self.login_client.user.email

    @property
    def told(self) -> str:
        """What the page says to whoever it is, with its HTTP status."""
        return f"HTTP {self.page.status}: {visible(self.page.text)}".replace(self.email, "YOU")

    def lets_in(self, mail: str) -> bool:
        """Give the code that is in a mail; whether the user is let in."""
        self.login_client.give(self.page, code=code_in(mail))
        answer = self.login_client.browser.http.get(self.accounts.whoami)
        return bool(answer.status_code == requests.codes.ok)
