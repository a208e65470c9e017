"""Users who log in at the same time, again and again, whatever happens to the login services."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import requests

from conformance.kube.pods import replace_pods
from conformance.platform.clients import pods_of
from conformance.services.oidc import OAuthRefused, RelyingParty, TokenRefused

if TYPE_CHECKING:
    from conformance.services.login_pages import LoginClient, User
    from conformance.suite.accounts import Accounts

PAUSE = 0.5
"""Seconds before somebody tries again: as fast as anybody reloads a page."""
UNKNOWN_FLOW = "00000000-0000-4000-8000-000000000000"
_TOLD = (AssertionError, KeyError, OAuthRefused, TokenRefused, requests.RequestException)
"""What a login ends with that does not end well: somewhere else than at the app, with a token."""


@dataclass
class Crowd:
    """Users of an app. Who is not let in tries again with the same browser."""

    accounts: Accounts
    app: RelyingParty
    users: list[User]
    logins: int = 0
    """That ended well."""
    told: list[str] = field(default_factory=list)
    """What the others ended with."""
    mistaken: list[str] = field(default_factory=list)
    """Who was taken for somebody else."""
    _waiting: list[LoginClient] = field(default_factory=list)

    @contextmanager
    def logging_in(self) -> Iterator[None]:
        """Within the body, each logs in time and again, with a new browser after each login."""
        over = threading.Event()
        with ThreadPoolExecutor(len(self.users)) as executor:
            begun = [executor.submit(self._go_on, user, over) for user in self.users]
            try:
                yield
            finally:
                over.set()
        self._waiting = [each.result() for each in begun]

    def restart_login(self) -> None:
        """Replace the pods of Kratos and Hydra; returns when both are reached again."""
        login, kube = self.accounts.clients.platform.single_sign_on, self.accounts.kube
        replace_pods(kube, [pods_of(login.kratos.workload), pods_of(login.hydra.workload)])
        page = self.accounts.page("login")
        for url in (
            f"{self.accounts.issuer.rstrip('/')}/.well-known/jwks.json",
            f"{page}?login_challenge=unknown",  # the dashboard asks Hydra
            f"{page}?flow={UNKNOWN_FLOW}",  # and here Kratos
            self.accounts.whoami,
        ):
            within = kube.timeouts.routing_after_restart
            self.accounts.http().get_routed(url, within=within)

    def try_again(self) -> list[str]:
        """Let each try once more with the browser of the last attempt; return who cannot log in.

        Whoever can is who the browser's session is of, too.
        """
        faults = []
        for login_client in self._waiting:
            try:
                self._log_in(login_client)
            except _TOLD as error:
                faults.append(f"{login_client.user.email}: {type(error).__name__}: {error}")
                continue
            answer = login_client.browser.http.get(self.accounts.whoami)
            if answer.status_code != requests.codes.ok:
                faults.append(f"{login_client.user.email}: HTTP {answer.status_code} of a session")
            else:
                self._compare(login_client, answer.json()["identity"]["id"])
        return faults

    def _go_on(self, user: User, over: threading.Event) -> LoginClient:
        """Return the browser of the last attempt."""
        login_client = self.accounts.login_client(user)
        while not over.wait(PAUSE):
            try:
                self._log_in(login_client)
            except _TOLD as error:
                self.told.append(f"{type(error).__name__}: {error}")
            else:
                self.logins += 1
                login_client = self.accounts.login_client(user)
        return login_client

    def _log_in(self, login_client: LoginClient) -> None:
        app = RelyingParty(self.accounts.http(), self.app.provider, self.app.client)
        answer = login_client.authorize(app)
        claims = app.verified(answer.tokens().id_token, answer.attempt.nonce)
        self._compare(login_client, claims["sub"])

    def _compare(self, login_client: LoginClient, identity: str) -> None:
        if identity != login_client.user.id:
            known = {user.id: user.email for user in self.users}
            other = known.get(identity, identity)
            self.mistaken.append(f"{login_client.user.email} is logged in as {other}")
