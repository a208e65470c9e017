"""Somebody who uses the platform before it is upgraded, and afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.services.login_pages import LoginClient, User
    from conformance.services.oidc import RelyingParty, Tokens
    from conformance.suite.accounts import Accounts


@dataclass(frozen=True)
class Asked:
    """What somebody has to give to get to an app: password, consent."""

    logged_in: tuple[str, ...]
    """In the browser in which they are logged in."""
    elsewhere: tuple[str, ...]
    """In a browser that nobody has used."""


@dataclass(frozen=True)
class Person:
    """Somebody with an account and a session, and an app that they have let know who they are."""

    accounts: Accounts
    user: User
    login_client: LoginClient
    """The browser in which they are logged in."""
    app: RelyingParty
    tokens: Tokens
    """What the app has."""

    @classmethod
    def joins(cls, accounts: Accounts) -> Person:
        """Make an account and an app; log in to it, and give consent."""
        app = accounts.app("before")
        user = accounts.user("zoe")
        login_client = accounts.login_client(user)
        tokens = login_client.authorize(app).tokens()
        return cls(accounts, user, login_client, app, tokens)

    def goes_to_app(self) -> Asked:
        """Go to the app in the old browser and in a new one; return what was asked for.

        Raises ``AssertionError`` where that does not lead to the app.
        """
        return Asked(
            self._goes(self.login_client), self._goes(self.accounts.login_client(self.user))
        )

    def app_refreshes(self) -> None:
        """Have the app exchange its old refresh token. Raises ``OAuthRefused``."""
        self.app.refresh(self.tokens)

    def _goes(self, login_client: LoginClient) -> tuple[str, ...]:
        already = len(login_client.asked)
        login_client.authorize(self.app).code()
        return tuple(login_client.asked[already:])
