"""What users do at the reference apps: log in, give consent, log out."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.apps.base import App
from conformance.capabilities.single_sign_on.logouts import logs_out
from conformance.common.soon import soon
from conformance.kube.execution import execute
from conformance.kube.objects import Object
from conformance.services.browser_forms import gives_password
from conformance.services.form_browser import FormBrowser
from conformance.services.login_pages import User
from conformance.services.visitor import Visitor
from conformance.suite.accounts import Accounts

if TYPE_CHECKING:
    from conformance.services.login_pages import LoginClient
    from conformance.services.oidc import RelyingParty

CONNECT = """
import socket, sys
address = socket.gethostbyname(sys.argv[1])
try:
    socket.create_connection((address, int(sys.argv[2])), timeout=3).close()
    print("open")
except OSError:
    print("closed")
"""


@dataclass(frozen=True)
class AppSessions:
    """What users do at the apps of one platform, and what shows of their sessions."""

    accounts: Accounts

    def name(self, app: App) -> str:
        """Return what an app is called on the platform."""
        return self.accounts.apps[app.name]

    def url(self, app: App, path: str = "/") -> str:
        """Return an address of an app."""
        return f"https://{self.name(app)}.{self.accounts.domain}{path}"

    def callback(self, app: App) -> str:
        """Return the address to which the provider sends users back."""
        return self.url(app, app.login.callback)

    def begins_login(self, visitor: Visitor, app: App) -> None:
        """Go to where an app asks users to log in."""
        visitor.open(self.url(app, app.login.path))

    def allows(self, visitor: Visitor, app: App) -> None:
        """Allow an app what it asks for; returns when it has let the user in."""
        visitor.press("Allow")
        visitor.arrives(self.url(app))

    def logs_in(self, visitor: Visitor, app: App, user: User) -> None:
        """Log in to an app for the first time, with a password if it is the first app."""
        self.is_asked_to_allow(visitor, app, user)
        self.allows(visitor, app)

    def is_asked_to_allow(self, visitor: Visitor, app: App, user: User) -> None:
        """Begin to log in to an app for the first time; returns at the page for consent."""
        self.begins_login(visitor, app)
        if visitor.page.get_by_label("Password").count():
            gives_password(visitor, user)
        visitor.page.get_by_role("button", name="Allow").wait_for()

    def user_of(self, visitor: Visitor, app: App) -> str:
        """Open an app's first page; return whom it says is logged in, empty for nobody."""
        visitor.open(self.url(app))
        shown = visitor.page.locator(app.login.user)
        return (shown.first.text_content() or "").strip() if shown.count() else ""

    @property
    def _told_within(self) -> float:
        return self.accounts.kube.timeouts.back_channel

    def forgets(self, visitor: Visitor, app: App) -> bool:
        """Whether an app shows, or soon shows, that nobody is logged in."""
        return soon(lambda: not self.user_of(visitor, app), within=self._told_within)

    def logs_out(self, visitor: Visitor, app: App) -> None:
        """Log out at an app; returns when the browser is where that ends."""
        visitor.open(self.url(app))
        link = visitor.page.locator(app.login.logout).first
        visitor.page.goto(str(link.evaluate("link => link.href")))

    def authorization_request(self, browser: FormBrowser, app: App) -> str:
        """Return the address to which an app sends somebody who wants to log in."""
        endpoint = self.accounts.provider.metadata["authorization_endpoint"]
        begun = browser.open(self.url(app, app.login.path), endpoint)
        assert begun.status == 0, f"{app.name} does not send users to the provider"
        return begun.url

    def knows(self, browser: FormBrowser, app: App) -> bool:
        """Whether somebody is logged in to an app in a browser without a window."""
        return app.login.marker in browser.open(self.url(app)).text

    def pod(self, app: App) -> Object:
        """Return an app's pod."""
        labels = f"app.kubernetes.io/instance={self.name(app)}"
        apps = self.accounts.clients.platform.apps
        return self.accounts.kube.list("v1", "Pod", apps, labels=labels)[0]

    def reaches(self, app: App, host: str, port: int = 80) -> bool:
        """Whether an app's pod gets a connection to a host of the cluster.

        Raises ``CommandFailed``, also where there is no such host.
        """
        kube, pod = self.accounts.kube, self.pod(app)["metadata"]
        argv = ("python3", "-c", CONNECT, host, str(port))
        tried = execute(kube, pod["namespace"], pod["name"], argv, container=app.name).check()
        return tried.stdout == b"open\n"

    def back_channel(self, app: App) -> str:
        """Return the address at which the provider tells an app that somebody logged out."""
        return str((self.accounts.hydra.client(self.name(app)) or {})["backchannel_logout_uri"])

    def logout_sent_to(self, client: RelyingParty) -> str:
        """Return what the provider says became of the logout token that it sent to a client.

        Waits for that. Raises ``AssertionError`` when it sent none.
        """
        name, sent = client.client.client_id, self.accounts.hydra.logouts_sent
        told = soon(lambda: bool(sent(name)), within=self._told_within)
        assert told, f"the provider sent {name} no logout token"
        return sent(name)[-1]

    def logs_out_elsewhere(self, login_client: LoginClient, url: str, until: str, app: App) -> None:
        """Log out at ``url``; returns when the provider has told ``app`` that the user did.

        The provider logs the browser's User-Agent with it, which is nobody else's. Raises
        ``AssertionError`` when it tells the app nothing.
        """
        agent, name = secrets.token_hex(16), self.name(app)
        login_client.browser.http.headers["User-Agent"] = agent
        logs_out(login_client, url, until)
        sent = self.accounts.hydra.logouts_sent
        told = soon(lambda: any(agent in line for line in sent(name)), within=self._told_within)
        assert told, f"the provider has not told {name} of the logout"

    @contextmanager
    def without_backchannel_logout(self, app: App) -> Iterator[None]:
        """Within the body, the provider does not notify an app when somebody logs out."""
        field, hydra = "backchannel_logout_uri", self.accounts.hydra
        before = self.back_channel(app)
        hydra.change(self.name(app), field, "")
        try:
            yield
        finally:
            hydra.change(self.name(app), field, before)
