"""The platform's login and consent pages, walked by somebody whose browser has no window.

What it relies on is Kratos's own: the names of the fields of its forms. The consent page is the
dashboard's: a form with buttons called ``decision``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from conformance.services.form_browser import Form, FormBrowser, Page, visible
from conformance.services.oidc import Attempt, RelyingParty, Tokens

SHOWN = 300
"""Characters of a page's text in an error message."""


@dataclass(frozen=True)
class User:
    """A user of the platform, and what only they know."""

    id: str
    email: str
    name: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Answer:
    """What became of an attempt to log in to an app."""

    app: RelyingParty
    attempt: Attempt
    page: Page
    """Where the browser is: the app's redirect URI, or the page at which it got stuck."""

    @property
    def callback(self) -> str:
        """The address that the browser was sent back to; raises ``AssertionError`` if not."""
        assert self.page.status == 0, f"not sent back to the app, but {shown(self.page)}"  # noqa: S101
        return self.page.url

    def code(self) -> str:
        """Return the code; raises as ``RelyingParty.code``."""
        return self.app.code(self.callback, self.attempt)

    def tokens(self) -> Tokens:
        """Return what the code is worth; raises as ``RelyingParty.redeem``."""
        return self.app.redeem(self.code(), self.attempt)

    def error(self) -> str:
        """Return the error that the app or the user was told; empty when there was none."""
        query = parse_qs(urlsplit(self.page.url).query)
        return query.get("error", [""])[0]


class LoginClient:
    """A user in front of the platform's pages, with the cookies of what they did before."""

    def __init__(self, browser: FormBrowser, user: User) -> None:
        self.browser = browser
        self.user = user
        self.asked: list[str] = []
        """What the user was asked for, in order: password, consent."""

    def authorize(
        self, app: RelyingParty, attempt: Attempt | None = None, *, allow: bool = True
    ) -> Answer:
        """Log in to an app, by whatever the pages ask for; grant, or do not, what it wants."""
        attempt = attempt or app.attempt()
        return Answer(app, attempt, self.walk(attempt.url, app.client.redirect_uri, allow=allow))

    def walk(self, url: str, until: str, *, allow: bool = True) -> Page:
        """Go to ``url``, and through login and consent where they are asked for."""
        page = self.log_in(self.browser.open(url, until), until)
        if form := consent_form(page):
            self.asked.append("consent")
            decision = "accept" if allow else "refuse"
            page = self.browser.send(page, form, {"decision": decision}, until)
        return page

    def log_in(self, page: Page, until: str = "") -> Page:
        """Give address and password, where ``page`` asks for them."""
        form = login_form(page)
        if form is None:
            return page
        self.asked.append("password")
        given = {"identifier": self.user.email, "password": self.user.password}
        return self.browser.send(page, form, {**given, "method": "password"}, until)

    def give(self, page: Page, until: str = "", **values: str) -> Page:
        """Fill in the form of ``page`` that has these fields and buttons, and send it."""
        return self.browser.send(page, page.form(*values), values, until)


def login_form(page: Page) -> Form | None:
    """Return the form that asks for address and password, if the page has it."""
    return page.find("identifier", "password")


def consent_form(page: Page) -> Form | None:
    """Return the form that asks for consent, if the page has it."""
    return page.find("consent_challenge", "decision")


def shown(page: Page) -> str:
    """Return where a page is and what it says, for a message."""
    address = page.url.partition("?")[0]
    return f"at {address} (HTTP {page.status}): {visible(page.text)[:SHOWN]}"
