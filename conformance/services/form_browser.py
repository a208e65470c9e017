"""Somebody whose browser has no window: follows redirects, keeps cookies, sends forms.

For what is done in many variants, where a real browser would take seconds each. Scripts do not run:
a form that they draw is made of what Kratos says of its flow (``self_service``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html import escape
from html.parser import HTMLParser
from urllib.parse import urljoin

import requests

from conformance.services import self_service
from conformance.services.ingress import HttpClient

MOST_REDIRECTS = 20
_TOKEN = "csrf_token"  # noqa: S105 - the name of a field of each form of Kratos'


@dataclass
class Form:
    """One form of a page."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    """What would be sent if nobody filled anything in; buttons apart."""
    buttons: list[tuple[str, str]] = field(default_factory=list)
    """Name and value of each that sends the form."""

    def names(self) -> set[str]:
        """Return the names of its fields and buttons."""
        return {*self.fields, *(name for name, _ in self.buttons)}


@dataclass(frozen=True)
class Page:
    """Where somebody has arrived."""

    url: str
    status: int
    """HTTP status; 0 for an address that was reached but not asked, as it is another party's."""
    text: str = ""
    forms: tuple[Form, ...] = ()

    def find(self, *names: str) -> Form | None:
        """Return the form that has all these fields or buttons, if there is one."""
        return next((form for form in self.forms if set(names) <= form.names()), None)

    def form(self, *names: str) -> Form:
        """Return the form that has all these fields or buttons. Raises ``AssertionError``."""
        if (form := self.find(*names)) is not None:
            return form
        found = [sorted(form.names()) for form in self.forms]
        raise AssertionError(
            f"no form with {', '.join(names)} at {self.url} (HTTP {self.status}), only {found}: "
            f"{visible(self.text)[:400]}"
        )


class FormBrowser:
    """One user's browser, on connections and cookies of its own."""

    def __init__(self, http: HttpClient, flows: Mapping[str, str] | None = None) -> None:
        """``flows``: address of a page -> where Kratos describes the flows that it is about."""
        self.http = http
        self._flows = flows or {}

    def open(self, url: str, until: str = "") -> Page:
        """Go to ``url`` and wherever it leads.

        A redirect to an address that begins with ``until`` is not followed: the answer to that is
        the app's business.
        """
        return self._follow(self.http.get(url, allow_redirects=False), until)

    def send(
        self,
        page: Page,
        form: Form,
        values: Mapping[str, str],
        until: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Page:
        """Send a form of ``page`` with some fields filled in (a button is a field pressed)."""
        target = urljoin(page.url, form.action)
        data = {**form.fields, **values}
        origin = "/".join(page.url.split("/")[:3])
        sent = {"Origin": origin, "Referer": page.url, **(headers or {})}
        if form.method == "get":
            answer = self.http.get(target, params=data, headers=sent, allow_redirects=False)
        else:
            answer = self.http.post(target, data=data, headers=sent, allow_redirects=False)
        return self._follow(answer, until)

    def _follow(self, answer: requests.Response, until: str) -> Page:
        for _ in range(MOST_REDIRECTS):
            if not answer.is_redirect:
                parser = _Forms()
                parser.feed(answer.text)
                page = Page(answer.url, answer.status_code, answer.text, tuple(parser.forms))
                return self._drawn(page)
            target = urljoin(answer.url, answer.headers["Location"])
            if until and target.startswith(until):
                return Page(target, 0)
            answer = self.http.get(target, allow_redirects=False)
        raise AssertionError(f"{MOST_REDIRECTS} redirects in a row, the last to {answer.url}")

    def _drawn(self, page: Page) -> Page:
        """Return a page with what its scripts would draw, if that is the form of a flow."""
        flow = self_service.flow_of(page.url)
        known = (where for address, where in self._flows.items() if page.url.startswith(address))
        where = next(known, "")
        if not flow or not where or page.find(_TOKEN):
            return page
        answer = self.http.get(where, params={"id": flow}, headers={"Accept": "application/json"})
        if answer.status_code != requests.codes.ok:
            return page
        ui = answer.json()["ui"]
        form = Form(ui["action"], ui["method"].lower(), self_service.fields(ui))
        form.buttons += self_service.buttons(ui)
        said = "".join(f"<p>{escape(text)}</p>" for text in self_service.messages(ui))
        return replace(page, forms=(*page.forms, form), text=page.text + said)


class _Forms(HTMLParser):
    """Collects the forms of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._form: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self._form)
        elif self._form is not None and "name" in given:
            self._add(self._form, tag, given)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None

    @staticmethod
    def _add(form: Form, tag: str, given: dict[str, str]) -> None:
        name, value, kind = given["name"], given.get("value", ""), given.get("type", "").lower()
        if tag == "button" or kind in ("submit", "image"):
            form.buttons.append((name, value))
        elif tag == "input" and kind in ("checkbox", "radio"):
            if "checked" in given:
                form.fields[name] = value or "on"
        elif tag in ("input", "select", "textarea"):
            form.fields[name] = value


class _Text(HTMLParser):
    """Collects what a page shows."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self._hidden += tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)


def visible(html: str) -> str:
    """Return the text of a page, its white space reduced."""
    parser = _Text()
    parser.feed(html)
    return " ".join(" ".join(parser.parts).split())
