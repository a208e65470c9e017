"""Logins at the platform's own pages in a browser without a window: password, code, factor."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests

from conformance.services.dashboard import GENERATOR
from conformance.services.login_pages import shown
from conformance.suite.check import not_run

if TYPE_CHECKING:
    from conformance.services.login_pages import Person, Walker
    from conformance.services.user_agent import Page
    from conformance.suite.parties import Parties

CODE = re.compile(r"\b(\d{6})\b")
"""A recovery code, as it stands in the mail."""


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
