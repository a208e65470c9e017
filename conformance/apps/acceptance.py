"""The tests that a new version of ``notes`` passes on the test cluster before it is released."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import requests

from conformance.apps.tracked import TrackedApp
from conformance.apps.update_pipeline import AppTest
from conformance.services.form_browser import FormBrowser, Page, visible
from conformance.services.ingress import HttpClient

NOTE = "written by a test before the release"


@dataclass(frozen=True)
class User:
    """A user of the platform."""

    email: str
    name: str
    password: str = field(repr=False)


def acceptance_tests(
    version: str, user: User, new_browser: Callable[[], HttpClient]
) -> Mapping[str, AppTest]:
    """Return the tests of this version; ``new_browser()`` is a new one, with nobody logged in."""

    def answers_as_its_version(app: TrackedApp) -> None:
        found, _ = app.version()
        if found != version:
            raise AssertionError(f"{version} answers as version {found}")

    def lets_a_user_write(app: TrackedApp) -> None:
        browser = FormBrowser(new_browser())
        try:
            page = log_in(browser, app.login_url, user)
        except AssertionError as error:
            raise AssertionError(f"{user.email} cannot log in: {error}") from error
        told = visible(page.text)
        if user.email not in told:
            raise AssertionError(f"{user.email} cannot log in, but sees {page.url}: {told}")
        written = browser.send(page, page.form("text"), {"text": NOTE})
        if NOTE not in visible(written.text):
            raise AssertionError(f"the note is not on the page: {visible(written.text)}")

    def shows_a_stranger_nothing(app: TrackedApp) -> None:
        answer = new_browser().get(f"{app.url}/api/notes")
        if answer.status_code != requests.codes.unauthorized:
            raise AssertionError(
                f"a visitor without login can read the notes: HTTP {answer.status_code}"
            )

    return {
        "answers as its version": answers_as_its_version,
        "lets a user log in and write": lets_a_user_write,
        "shows nothing without login": shows_a_stranger_nothing,
    }


def log_in(browser: FormBrowser, url: str, user: User) -> Page:
    """Open a page that asks for a login, give one, and consent; return where that leads."""
    page = browser.open(url)
    given = {"identifier": user.email, "password": user.password, "method": "password"}
    page = browser.send(page, page.form("identifier", "password"), given)
    for form in page.forms:
        if ("decision", "accept") in form.buttons:
            return browser.send(page, form, {"decision": "accept"})
    return page
