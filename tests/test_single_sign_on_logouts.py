"""How the checks log out at an app, and what they pass off as the provider's id_token."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from joserfc import jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import RSAKey
from requests import PreparedRequest, Request, Response

from conformance.capabilities.single_sign_on.app_sessions import AppSessions
from conformance.capabilities.single_sign_on.defects_logouts import signature_not_verified
from conformance.capabilities.single_sign_on.defects_redirects import obeying_request_objects
from conformance.capabilities.single_sign_on.forgeries import self_signed, unsigned_request_object
from conformance.capabilities.single_sign_on.logouts import (
    is_logged_in,
    logs_out,
    not_registered,
)
from conformance.services.form_browser import Form, Page
from conformance.services.oidc import Client, RelyingParty
from conformance.suite.wire import answer_with, query_of

KEY = RSAKey.generate_key(2048, {"kid": "one"})
TOKEN = jwt.encode({"alg": "RS256", "kid": "one"}, {"sub": "alice", "aud": ["notes"]}, KEY)
METADATA = {
    "authorization_endpoint": "https://sso.test/oauth2/auth",
    "end_session_endpoint": "https://sso.test/oauth2/sessions/logout",
}


def app(name: str) -> RelyingParty:
    unused: Any = None
    provider: Any = SimpleNamespace(metadata=METADATA)
    return RelyingParty(unused, provider, Client(name, "", f"https://{name}.test/callback"))


class Browser:
    """Arrives at the same page whatever it opens, and remembers what it has sent."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.sent: dict[str, str] = {}

    def open(self, url: str, until: str) -> Page:
        del url, until
        return self.page

    def send(self, page: Page, form: Form, values: dict[str, str], until: str) -> Page:
        assert form in page.forms
        self.sent = values
        return Page(until, 0)


def client(page: Page) -> Any:
    return SimpleNamespace(browser=Browser(page))


def test_who_is_asked_whether_to_log_out_says_so() -> None:
    form = Form("", "post", {"logout_challenge": "c"}, [("decision", "accept"), ("decision", "no")])
    asked = client(Page("https://dashboard.test/web/logout", 200, forms=(form,)))
    assert logs_out(asked, "https://sso.test/", "https://notes.test/").url == "https://notes.test/"
    assert asked.browser.sent == {"decision": "accept"}
    told = client(Page("https://dashboard.test/web/logged-out", 200))
    assert logs_out(told, "https://sso.test/", "https://notes.test/") is told.browser.page


@pytest.mark.parametrize(
    ("query", "logged_in"), [("code=c", True), ("error=login_required", False)]
)
def test_who_is_logged_in_gets_a_code_without_a_page(query: str, *, logged_in: bool) -> None:
    page = Page(f"https://notes.test/callback?{query}", 0)
    assert is_logged_in(client(page), app("notes")) is logged_in


def test_no_unregistered_address_is_the_registered_one() -> None:
    found = not_registered(app("notes"), app("wiki"))
    assert {"query", "other host", "the address of another app"} <= {*found}
    assert "https://notes.test/" not in found.values()


def test_a_logout_url_has_what_the_app_gives() -> None:
    url = app("notes").logout_url("token", state="a b")
    assert url == f"{METADATA['end_session_endpoint']}?id_token_hint=token&state=a+b"


def test_a_self_signed_token_has_the_same_claims_and_brings_its_key() -> None:
    forged = self_signed(TOKEN)
    assert forged.split(".")[1] == TOKEN.split(".")[1]
    with pytest.raises(BadSignatureError):
        jwt.decode(forged.replace(forged.split(".")[0], TOKEN.split(".")[0]), KEY)


@pytest.mark.parametrize("accepted", [True, False])
def test_the_twin_takes_a_forged_token_for_the_issued_one(*, accepted: bool) -> None:
    exchange = signature_not_verified(accepts=lambda _: accepted)
    seen: list[str] = []

    def send(request: PreparedRequest) -> Response:
        seen.append(query_of(request).get("id_token_hint", ""))
        return answer_with(200, f'{{"id_token": "{TOKEN}"}}')

    for url in ("https://sso.test/oauth2/token", app("notes").logout_url(self_signed(TOKEN))):
        exchange(Request("GET", url).prepare(), send)
    assert (seen[1] == TOKEN) is accepted


def test_the_twin_sends_a_code_to_where_an_unsigned_object_says() -> None:
    probe = app("probe")
    registered = probe.client.redirect_uri
    hydra: Any = SimpleNamespace(client=lambda _: {"redirect_uris": [registered]})
    seen: list[str] = []

    def send(request: PreparedRequest) -> Response:
        seen.append(query_of(request)["redirect_uri"])
        return answer_with(302, headers={"Location": f"{registered}?code=c"})

    for address in (registered, f"{registered}/elsewhere"):
        given = unsigned_request_object(probe, address)
        request = Request("GET", probe.attempt(request=given).url).prepare()
        answer = obeying_request_objects(hydra)(request, send)
        assert answer.headers["Location"] == f"{address}?code=c"
    assert seen == [registered, registered]


@pytest.mark.parametrize("tells", [True, False])
def test_an_app_is_told_of_a_logout_of_this_browser_alone(*, tells: bool) -> None:
    user = client(Page("https://notes.test/", 0))
    user.browser.http = SimpleNamespace(headers={})
    headers, others = user.browser.http.headers, ["a logout of another browser"]
    accounts: Any = SimpleNamespace(
        apps={"notes": "notes"},
        kube=SimpleNamespace(timeouts=SimpleNamespace(back_channel=0.01)),
        hydra=SimpleNamespace(
            logouts_sent=lambda _: [*others, headers["User-Agent"]] if tells else others
        ),
    )
    notes: Any = SimpleNamespace(name="notes")
    if tells:
        AppSessions(accounts).logs_out_elsewhere(user, "https://sso.test/", "", notes)
        return
    with pytest.raises(AssertionError, match="has not told notes of the logout"):
        AppSessions(accounts).logs_out_elsewhere(user, "https://sso.test/", "", notes)
