"""What people do in a browser: log in to apps, log out, use a second factor."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyotp
import pytest

from conformance.apps.tracked import APPS_NAMESPACE
from conformance.common.soon import soon
from conformance.kube.execution import execute
from conformance.kube.objects import Object
from conformance.services.login_pages import Person
from conformance.services.user_agent import UserAgent
from conformance.services.visitor import Visitor
from conformance.suite.check import shared
from conformance.suite.parties import Parties

if TYPE_CHECKING:
    from conformance.apps.base import App
    from conformance.report.evidence import EvidenceBox
    from conformance.services.browser import Browser
    from conformance.services.oidc import RelyingParty

OpenBrowser = Callable[[str], AbstractContextManager[Visitor]]


@dataclass(frozen=True)
class AppPages:
    """Where an app lets people in and out, and how it shows who is there."""

    name: str
    """Also its client id, and its host name on the platform."""
    login: str
    """Path at which a login begins."""
    callback: str
    """Path to which the provider sends people back."""
    user: str
    """CSS selector of what shows the name of who is logged in."""
    marker: str
    """Part of its first page's source when somebody is logged in, and only then."""
    logout: str
    """CSS selector of the link that logs out."""


NOTES = AppPages(
    name="notes",
    login="/login",
    callback="/oidc/callback",
    user="#user",
    marker='id="user"',
    logout="#logout",
)
WORDPRESS = AppPages(
    name="wordpress",
    login="/wp-login.php",
    callback="/oidc/redirect_uri",
    user="#wp-admin-bar-my-account .display-name",
    marker="wp-admin-bar-my-account",
    logout="#wp-admin-bar-logout a",
)
APPS = (NOTES, WORDPRESS)
"""Relying parties: one of ours, and one that nobody here wrote (mod_auth_openidc)."""
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
class Journey:
    """The steps of people's journeys through the apps of one platform."""

    parties: Parties

    def url(self, app: AppPages, path: str = "/") -> str:
        """Return an address of an app."""
        return f"https://{app.name}.{self.parties.domain}{path}"

    def callback(self, app: AppPages) -> str:
        """Return the address to which the provider sends people back."""
        return self.url(app, app.callback)

    def begins_login(self, visitor: Visitor, app: AppPages) -> None:
        """Go to where an app asks people to log in."""
        visitor.open(self.url(app, app.login))

    def allows(self, visitor: Visitor, app: AppPages) -> None:
        """Allow an app what it asks for; returns when it has let the person in."""
        visitor.press("Allow")
        visitor.arrives(self.url(app))

    def logs_in(self, visitor: Visitor, app: AppPages, person: Person) -> None:
        """Log in to an app for the first time, with a password if it is the first app."""
        self.is_asked_to_allow(visitor, app, person)
        self.allows(visitor, app)

    def is_asked_to_allow(self, visitor: Visitor, app: AppPages, person: Person) -> None:
        """Begin to log in to an app for the first time; returns at the page for consent."""
        self.begins_login(visitor, app)
        if visitor.page.get_by_label("Password").count():
            gives_password(visitor, person)
        visitor.page.get_by_role("button", name="Allow").wait_for()

    def user_of(self, visitor: Visitor, app: AppPages) -> str:
        """Open an app's first page; return whom it says is logged in, empty for nobody."""
        visitor.open(self.url(app))
        shown = visitor.page.locator(app.user)
        return (shown.first.text_content() or "").strip() if shown.count() else ""

    def forgets(self, visitor: Visitor, app: AppPages) -> bool:
        """Whether an app shows, or soon shows, that nobody is logged in."""
        return soon(lambda: not self.user_of(visitor, app))

    def logs_out(self, visitor: Visitor, app: AppPages) -> None:
        """Log out at an app; returns when the browser is where that ends."""
        visitor.open(self.url(app))
        link = visitor.page.locator(app.logout).first
        visitor.page.goto(str(link.evaluate("link => link.href")))

    def authorization_request(self, agent: UserAgent, app: AppPages) -> str:
        """Return the address to which an app sends somebody who wants to log in."""
        endpoint = self.parties.provider.metadata["authorization_endpoint"]
        begun = agent.open(self.url(app, app.login), endpoint)
        assert begun.status == 0, f"{app.name} does not send people to the provider"
        return begun.url

    def knows(self, agent: UserAgent, app: AppPages) -> bool:
        """Whether somebody is logged in to an app in a browser without a window."""
        return app.marker in agent.open(self.url(app)).text

    def loses(self, agent: UserAgent, app: AppPages) -> bool:
        """Whether nobody is, or soon is, logged in there any more: the back channel takes time."""
        return soon(lambda: not self.knows(agent, app))

    def pod(self, app: AppPages) -> Object:
        """Return an app's pod."""
        labels = f"app.kubernetes.io/instance={app.name}"
        return self.parties.kube.list("v1", "Pod", APPS_NAMESPACE, labels=labels)[0]

    def reaches(self, app: AppPages, host: str, port: int = 80) -> bool:
        """Whether an app's pod gets a connection to a host of the cluster.

        Raises ``CommandFailed``, also where there is no such host.
        """
        kube, pod = self.parties.kube, self.pod(app)["metadata"]["name"]
        argv = ("python3", "-c", CONNECT, host, str(port))
        tried = execute(kube, APPS_NAMESPACE, pod, argv, container=app.name).check()
        return tried.stdout == b"open\n"

    def back_channel(self, app: AppPages) -> str:
        """Return the address at which the provider tells an app that somebody logged out."""
        return str((self.parties.hydra.client(app.name) or {})["backchannel_logout_uri"])

    def logout_sent_to(self, client: RelyingParty) -> str:
        """Return what the provider says became of the logout token that it sent to a client.

        Waits for that. Raises ``AssertionError`` when it sent none.
        """
        name, sent = client.client.client_id, self.parties.hydra.logouts_sent
        assert soon(lambda: bool(sent(name))), f"the provider sent {name} no logout token"
        return sent(name)[-1]

    @contextmanager
    def deaf(self, app: AppPages | None) -> Iterator[None]:
        """Within the body, the provider does not tell an app when somebody logs out."""
        if app is None:
            yield
            return
        field, hydra = "backchannel_logout_uri", self.parties.hydra
        before = self.back_channel(app)
        hydra.change(app.name, field, "")
        try:
            yield
        finally:
            hydra.change(app.name, field, before)


@pytest.fixture(scope=shared)
def journey(parties: Parties, reference_apps: Callable[[], None]) -> Journey:
    """People's journeys through the reference apps."""
    reference_apps()
    for app in APPS:
        parties.http().get_routed(f"https://{app.name}.{parties.domain}/")
    return Journey(parties)


@pytest.fixture
def pages(app: App) -> AppPages:
    """Where the app that a check runs on lets people in and out."""
    return next(pages for pages in APPS if pages.name == app.name)


def gives_password(visitor: Visitor, person: Person) -> None:
    """Fill in and send the login form."""
    visitor.fill("E-mail address", person.email)
    visitor.fill("Password", person.password)
    visitor.press("Log in")


def enrols_second_factor(visitor: Visitor, settings: str) -> tuple[pyotp.TOTP, list[str]]:
    """Set up an authenticator and recovery codes on the settings page; return both."""
    visitor.open(settings)
    visitor.screenshot("settings")
    authenticator = pyotp.TOTP(visitor.page.locator("#totp-secret").inner_text())
    visitor.fill("Code from your authenticator app", authenticator.now())
    visitor.send("Turn on the second factor")
    visitor.send("Make new recovery codes")
    codes = visitor.page.locator("#recovery-codes code")
    visitor.screenshot("recovery codes")
    spare = codes.all_inner_texts()
    visitor.press("I have kept these codes")
    codes.first.wait_for(state="detached")
    visitor.screenshot("second factor")
    return authenticator, spare


@pytest.fixture
def visitor(browser: Browser, evidence: EvidenceBox) -> OpenBrowser:
    """Opens the browser for somebody: ``with visitor("zoe") as zoe``."""
    return functools.partial(browser.visitor, evidence)
