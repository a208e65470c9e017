"""Logging in to the managed app: whether a user can, with which roles, and what tokens it gives."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.services.form_browser import visible
from conformance.services.login_pages import User, shown
from conformance.services.oidc import OAuthRefused, RelyingParty, Tokens

if TYPE_CHECKING:
    from conformance.apps.tracked import TrackedApp
    from conformance.suite.accounts import Accounts


@dataclass(frozen=True)
class AppLogin:
    """The app's login, each time in a new browser."""

    accounts: Accounts
    app: TrackedApp
    client: RelyingParty
    """What the app is at the provider, in the hands of the checks: they see its tokens."""

    def tokens_of(self, user: User) -> Tokens:
        """Log in to the app; return the tokens that the app gets.

        They were refreshed once, so that nothing but what is done next can end them.
        """
        tokens = self.client.refresh(
            self.accounts.login_client(user).authorize(self.client).tokens()
        )
        assert self.accounts.hydra.is_active(tokens.access_token), "a fresh token is not valid"
        return tokens

    def still_valid(self, tokens: Tokens) -> list[str]:
        """Return which of the tokens the provider still accepts. It uses the refresh token up."""
        valid = ["the access token"] if self.accounts.hydra.is_active(tokens.access_token) else []
        try:
            self.client.refresh(tokens)
        except OAuthRefused as refusal:
            if refusal.error == "invalid_grant":
                return valid
            raise
        return [*valid, "the refresh token"]

    def roles_of(self, user: User) -> list[str]:
        """Log in to the app; return the roles that the app is told.

        Raises ``AssertionError`` when the user is not let in.
        """
        login_client = self.accounts.login_client(user)
        page = login_client.walk(self.app.login_url, "")
        answer = login_client.browser.open(f"{self.app.url}/api/me")
        assert answer.status == 200, f"{user.name} is not let in: {shown(page)}"
        return list(json.loads(answer.text)["roles"])

    def refusal_of(self, user: User) -> str:
        """Log in to the app; return in which words that was refused.

        Raises ``AssertionError`` when the user is let in.
        """
        login_client = self.accounts.login_client(user)
        page = login_client.walk(self.app.login_url, "")
        answer = login_client.browser.open(f"{self.app.url}/api/me")
        assert answer.status == 401, f"{user.name} is let in: {answer.text}"
        return visible(page.text)
