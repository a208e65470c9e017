"""Walks through the platform's own pages without a window, and pages of somebody else's site."""

from __future__ import annotations

import base64
import html
import json
import re
import secrets
import time
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

import requests
from playwright.sync_api import Page as Window

from conformance.services.dashboard import GENERATOR
from conformance.services.login_pages import Person, Walker, shown
from conformance.services.oidc import unsigned
from conformance.services.user_agent import Page
from conformance.services.visitor import Visitor
from conformance.suite.check import not_run
from conformance.suite.parties import Parties

CODE = re.compile(r"\b(\d{6})\b")
"""A recovery code, as it stands in the mail."""
OTHER_SITES = ("https://evil.example", "https://evil.{domain}")
"""Another site, whose forms come without cookies; and another app, whose forms come with them."""
SCRIPT = 'Bobby <script>window.ran = 1</script><img src=x onerror="window.ran = 1">'
"""A display name that leaves elements wherever it is not shown as the text that it is."""
WITHOUT_MARKUP = "Bobby"
"""The same as WordPress keeps it, which takes markup out of names."""
INJECTED = """() => [...document.querySelectorAll("script, img")].filter(element =>
    element.textContent === "window.ran = 1" || element.getAttribute("src") === "x"
).map(element => element.outerHTML)"""
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


def parameter(url: str, name: str) -> str:
    """Return the value of one parameter of ``url``, empty where it has none."""
    return dict(parse_qsl(urlsplit(url).query)).get(name, "")


def with_parameter(url: str, **changes: str) -> str:
    """Return ``url`` with other values of some parameters."""
    parts = urlsplit(url)
    query = {**dict(parse_qsl(parts.query)), **changes}
    return parts._replace(query=urlencode(query)).geturl()


def code_in(text: str) -> str:
    """Return the recovery code in a mail. Raises ``AssertionError`` when there is none."""
    found = CODE.search(text)
    assert found, f"no code in the mail: {text[:200]}"
    return found.group(1)


def altered(code: str) -> str:
    """Return another code than this one."""
    return f"{(int(code) + 1) % 10 ** len(code):0{len(code)}d}"


def asks_for_code(walker: Walker, dashboard: str) -> Page:
    """Ask for a recovery code by mail; return the page that wants it."""
    page = walker.agent.open(f"{dashboard}/web/recovery")
    return walker.give(page, email=walker.person.email, method="code")


def can_log_in(parties: Parties, person: Person) -> bool:
    """Whether address and password are enough for a session."""
    walker = parties.walker(person)
    walker.log_in(walker.agent.open(f"{parties.dashboard}/web/login"))
    return has_session(walker, parties.dashboard)


def has_session(walker: Walker, dashboard: str) -> bool:
    """Whether Kratos knows who sits in front of this browser, every factor included."""
    answer = walker.agent.http.get(f"{dashboard}/sessions/whoami")
    return bool(answer.status_code == requests.codes.ok)


def disable(parties: Parties, person: Person) -> None:
    """Disable somebody's account as administrators do, by the dashboard's page.

    Not run where that is another dashboard's, whose pages nobody here knows.
    """
    admin = parties.walker(parties.person("ada", may_use={"dashboard": "admin"}))
    admin.log_in(admin.agent.open(f"{parties.dashboard}/web/login"))
    page = admin.agent.open(f"{parties.dashboard}/users/{person.id}")
    if GENERATOR not in page.text:
        not_run(f"{page.url} is not the reference dashboard's: how is a user disabled there?")
    page = admin.give(page, action="disable")
    state = parties.kratos.get(person.id).state
    assert state == "inactive", f"the account is {state}: {shown(page)}"


@dataclass
class FirstFactorGiven:
    """Somebody who gave their password, and is asked for the second factor."""

    walker: Walker
    page: Page
    dashboard: str

    @classmethod
    def by(cls, parties: Parties, person: Person) -> FirstFactorGiven:
        """Give the password in a browser that nobody has used before."""
        walker = parties.walker(person)
        page = walker.log_in(walker.agent.open(f"{parties.dashboard}/web/login"))
        assert page.find("totp_code"), f"not asked for the second factor: {shown(page)}"
        return cls(walker, page, parties.dashboard)

    def gets_in(self, **factor: str) -> bool:
        """Give a second factor; whether that is enough."""
        [name] = factor
        method = name.removesuffix("_code")
        self.page = self.walker.give(self.page, **factor, method=method)
        return has_session(self.walker, self.dashboard)


def values_of_form(window: Window) -> dict[str, str]:
    """Return what the form on a page would send, its token against forgery included."""
    found: dict[str, str] = window.evaluate(
        "() => Object.fromEntries(new FormData(document.querySelector('main form')))"
    )
    return {**found, "decision": "accept"}


def without_token(values: dict[str, str]) -> dict[str, str]:
    """Return what somebody else can know of a form: all but its token against forgery."""
    return {name: value for name, value in values.items() if "csrf" not in name}


def posts_from(visitor: Visitor, site: str, target: str, values: dict[str, str]) -> None:
    """Open a page of somebody else's site, whose script sends a form to ``target``.

    Returns when the answer is shown.
    """
    fields = "".join(
        f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
        for name, value in values.items()
    )
    page = f"""<form method="post" action="{html.escape(target)}">{fields}</form>
        <script>document.forms[0].submit()</script>"""
    trap = f"{site}/trap"
    visitor.page.route(trap, lambda route: route.fulfill(body=page, content_type="text/html"))
    with visitor.page.expect_response(lambda answer: answer.request.method == "POST"):
        visitor.page.goto(trap, wait_until="commit")
    visitor.page.wait_for_load_state()


def injected(visitor: Visitor) -> list[str]:
    """Return the elements that a page made of ``SCRIPT``, whether its policy runs them or not."""
    return [str(element) for element in visitor.page.evaluate(INJECTED)]


def resigned(token: str) -> str:
    """Return the same token with another signature, which nobody's key has made."""
    header, payload, signature = token.split(".")
    return f"{header}.{payload}.{signature[::-1]}"


def unsigned_logout_token(issuer: str, client_id: str, subject: str) -> str:
    """Return what the provider would send an app when somebody logs out, without its signature.

    https://openid.net/specs/openid-connect-backchannel-1_0.html#LogoutToken
    """
    claims = {
        "iss": issuer,
        "aud": [client_id],
        "sub": subject,
        "iat": int(time.time()),
        "jti": secrets.token_hex(16),
        "events": {LOGOUT_EVENT: {}},
    }
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return unsigned(f".{payload}.")
