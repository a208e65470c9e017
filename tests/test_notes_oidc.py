"""The notes app as a relying party, against a provider that is right, and then wrong."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import RSAKey
from notes_server import Host, build
from oidc_provider import LOGOUT_EVENT, Claims, Provider, signed_with_password, unsigned

STRANGER = RSAKey.generate_key(2048, {"kid": "first"})
TOKEN = "a token for programs"


class Browser:
    """Cookies, and the way between app and provider; sends Secure cookies though this is HTTP."""

    def __init__(self, host: Host, provider: Provider) -> None:
        self.host = host
        self.provider = provider
        self.cookies: dict[str, str] = {}

    def get(self, path: str, **more: Any) -> requests.Response:
        return self.request("GET", path, **more)

    def post(self, path: str, **more: Any) -> requests.Response:
        return self.request("POST", path, **more)

    def request(
        self, method: str, path: str, headers: dict[str, str] | None = None, **more: Any
    ) -> requests.Response:
        sent = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = requests.request(
            method,
            f"{self.host.url}{path}",
            headers={"Cookie": sent, **(headers or {})},
            allow_redirects=False,
            timeout=10,
            **more,
        )
        self.cookies.update({cookie.name: cookie.value or "" for cookie in answer.cookies})
        return answer

    def begin(self) -> dict[str, str]:
        """Go to the provider; return what it sends the browser back with."""
        return self.provider.authorize(self.get("/login").headers["Location"])

    def finish(self, parameters: dict[str, str]) -> requests.Response:
        return self.get("/oidc/callback", params=parameters)

    def login(self) -> requests.Response:
        return self.finish(self.begin())

    def me(self, query: str = "") -> requests.Response:
        return self.get(f"/api/me{query}")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Host, Provider]]:
    folder = tmp_path_factory.mktemp("oidc")
    provider = Provider(folder, "notes", "client secret")
    host = Host(folder)
    (host.configuration / "client_secret").write_text("client secret\n")
    (host.configuration / "api-token").write_text(TOKEN)
    host.environment |= {
        "NOTES_HOSTNAME": "notes.test",
        "NOTES_SESSION_DIRECTORY": str(folder),
        "NOTES_API_TOKEN_FILE": str(host.configuration / "api-token"),
        "NOTES_OIDC_ISSUER": provider.issuer,
        "NOTES_OIDC_CLIENT_ID": "notes",
        "NOTES_OIDC_CLIENT_SECRET_FILE": str(host.configuration / "client_secret"),
        "NOTES_OIDC_CA_FILE": str(provider.ca_file),
    }
    host.serve(build(folder / "v2", "2.0.0"))
    yield host, provider
    host.kill()
    provider.close()


@pytest.fixture
def provider(running: tuple[Host, Provider]) -> Iterator[Provider]:
    made = running[1]
    whole = {**vars(made), "user": dict(made.user)}
    yield made
    vars(made).update(whole)


@pytest.fixture
def browser(running: tuple[Host, Provider], provider: Provider) -> Browser:
    return Browser(running[0], provider)


def refusal(answer: requests.Response) -> str:
    """Return the error code of the page, which has the reason behind it."""
    assert answer.status_code in (400, 401, 403, 503)
    code = answer.text.partition('<code id="error">')[2].partition("</code>")[0]
    assert code, answer.text
    return code


def test_code_flow_with_pkce_state_and_nonce(browser: Browser, provider: Provider) -> None:
    provider.user |= {"stackspin_roles": ["admin"], "name": "<b>Alice</b>"}
    sent = browser.get("/login")
    asked = dict(parse_qsl(urlsplit(sent.headers["Location"]).query))
    assert asked["redirect_uri"] == "https://notes.test/oidc/callback"
    assert asked["scope"] == "openid profile email stackspin_roles offline_access"
    assert len(asked["state"]) > 30
    assert len(asked["nonce"]) > 30
    assert "code_verifier" not in asked

    answer = browser.finish(provider.authorize(sent.headers["Location"]))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    cookie = answer.headers["Set-Cookie"]
    for word in ("__Host-notes=", "Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert word in cookie
    assert "Domain" not in cookie
    told = browser.me().json()
    assert (told["claims"]["sub"], told["roles"]) == ("alice", ["admin"])
    page = browser.get("/").text
    assert "&lt;b&gt;Alice&lt;/b&gt;" in page
    assert "alice@example.org" in page
    assert "client secret" not in browser.get("/api/config").text


def test_strangers_are_shown_where_to_log_in_and_nothing_else(browser: Browser) -> None:
    text = {"text": "for members"}
    token = {"X-Api-Token": TOKEN}
    wrong = {"X-Api-Token": "no"}
    assert browser.post("/api/notes", json=text).status_code == 401
    assert browser.post("/api/notes", json=text, headers=wrong).status_code == 401
    assert browser.post("/api/notes", json=text, headers=token).status_code == 201
    assert browser.post("/", data=text).status_code == 401
    for path in ("/api/notes", "/api/attachments", "/api/attachments/x", "/api/me"):
        assert browser.get(path).status_code == 401
    welcome = browser.get("/")
    assert welcome.status_code == 200
    assert "for members" not in welcome.text
    assert 'href="/login"' in welcome.text
    assert browser.get("/health/ready").status_code == 200
    browser.login()
    assert "for members" in browser.get("/").text


def test_deleting_takes_the_role_admin(browser: Browser, provider: Provider) -> None:
    browser.login()
    note = browser.post("/api/notes", json={"text": "x"}).headers["Location"]
    assert browser.request("DELETE", note).status_code == 401
    provider.user |= {"stackspin_roles": ["admin"]}
    browser.login()
    assert browser.request("DELETE", note).status_code == 204


def test_pages_of_other_origins_cannot_write(browser: Browser) -> None:
    browser.login()
    for headers in (
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://wordpress.test"},
    ):
        assert browser.post("/", data={"text": "x"}, headers=headers).status_code == 403
    assert browser.get("/logout", headers={"Sec-Fetch-Site": "same-site"}).status_code == 403
    own = {"Origin": "https://notes.test"}
    assert browser.post("/", data={"text": "x"}, headers=own).status_code == 303


@pytest.mark.parametrize("change", ["other state", "no state", "other browser", "used state"])
def test_a_login_that_this_browser_did_not_begin_is_refused(browser: Browser, change: str) -> None:
    parameters = browser.begin()
    if change == "other state":
        parameters["state"] += "x"
    elif change == "no state":
        del parameters["state"]
    elif change == "other browser":
        browser = Browser(browser.host, browser.provider)
        browser.get("/login")
    else:
        browser.finish(parameters)
        parameters = {**parameters, "code": "another"}
    assert refusal(browser.finish(parameters)) == "invalid_state"


def test_the_providers_error_is_shown(browser: Browser) -> None:
    state = browser.begin()["state"]
    answer = browser.finish(
        {"error": "access_denied", "error_description": "<i>no", "state": state}
    )
    assert answer.status_code == 403
    assert refusal(answer) == "access_denied"
    assert "&lt;i&gt;no" in answer.text
    assert browser.me().status_code == 401


def test_a_code_is_worth_nothing_with_another_verifier(
    browser: Browser, provider: Provider
) -> None:
    parameters = browser.begin()
    provider.codes[parameters["code"]]["code_challenge"] = "another"
    assert refusal(browser.finish(parameters)) == "invalid_grant"


@pytest.mark.parametrize(
    "change",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"iss": "https://evil.test/"},
        {"iss": None},
        {"aud": ["wordpress"]},
        {"aud": ["wordpress"], "azp": "notes"},
        {"aud": ["notes", "wordpress"], "azp": "wordpress"},
        {"aud": None},
        {"sub": None},
        {"exp": 1},
        {"exp": None},
        {"iat": None},
        {"at_hash": "wrong"},
        {"nonce": "another", "nonce_supported": False},
    ],
)
def test_an_id_token_that_is_wrong_is_none(
    browser: Browser, provider: Provider, change: Claims
) -> None:
    provider.change = lambda claims: {
        name: value for name, value in {**claims, **change}.items() if value is not None
    }
    assert refusal(browser.login()) == "invalid_token"
    assert browser.me().status_code == 401


@pytest.mark.parametrize("how", ["unsigned", "stranger's key", "public key as password", "cut"])
def test_an_id_token_that_the_provider_did_not_sign_is_none(
    browser: Browser, provider: Provider, how: str
) -> None:
    public = provider.key.as_pem(private=False)
    signers: dict[str, Callable[[Claims], str]] = {
        "unsigned": unsigned,
        "stranger's key": lambda claims: provider.signed(claims, STRANGER),
        "public key as password": lambda claims: signed_with_password(claims, public),
        "cut": lambda claims: provider.signed(claims)[:-4],
    }
    provider.sign = signers[how]
    assert refusal(browser.login()) == "invalid_token"
    assert browser.me().status_code == 401


def test_a_new_key_of_the_provider_is_found(browser: Browser, provider: Provider) -> None:
    browser.login()
    provider.key = RSAKey.generate_key(2048, {"kid": "second"})
    provider.published = [*provider.published, provider.key]
    assert browser.login().status_code == 303


def test_refresh_rotates_and_a_lost_one_ends_the_session(
    browser: Browser, provider: Provider
) -> None:
    browser.login()
    first = set(provider.refresh_tokens)
    provider.user |= {"name": "Alice B."}
    assert browser.me("?refresh=1").json()["claims"]["name"] == "Alice B."
    assert provider.refresh_tokens
    assert not provider.refresh_tokens & first
    assert browser.me("?refresh=1").status_code == 200
    provider.user |= {"sub": "mallory"}
    assert refusal(browser.me("?refresh=1")) == "invalid_token"
    provider.refresh_tokens.clear()
    assert refusal(browser.me("?refresh=1")) == "invalid_grant"
    assert browser.me().status_code == 401


def test_an_expired_access_token_is_refreshed(browser: Browser, provider: Provider) -> None:
    provider.lifetime = -1
    browser.login()
    first = set(provider.refresh_tokens)
    assert browser.me().status_code == 200
    assert not provider.refresh_tokens & first
    provider.refresh_tokens.clear()
    assert browser.me().status_code == 401


def test_logout_ends_the_session_here_and_at_the_provider(
    browser: Browser, provider: Provider
) -> None:
    browser.login()
    cookies = dict(browser.cookies)
    sent = browser.get("/logout")
    url, _, query = sent.headers["Location"].partition("?")
    assert url == f"{provider.issuer}logout"
    told = dict(parse_qsl(query))
    assert told["post_logout_redirect_uri"] == "https://notes.test/"
    assert jwt.decode(told["id_token_hint"], provider.key).claims["sub"] == "alice"
    browser.cookies = cookies
    assert browser.me().status_code == 401


def test_back_channel_logout_ends_the_session(browser: Browser, provider: Provider) -> None:
    for claims in ({}, {"sid": None, "sub": "alice"}):
        browser.login()
        token = provider.logout_token(**claims)
        answer = logout(browser, token)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"
        assert browser.me().status_code == 401
        browser.login()
        assert logout(browser, token).status_code == 400
        assert browser.me().status_code == 200
    assert logout(browser, provider.logout_token(sid="another")).status_code == 200
    assert browser.me().status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "https://evil.test/"},
        {"aud": ["wordpress"]},
        {"iat": None},
        {"iat": int(time.time()) - 3600},
        {"iat": int(time.time()) + 3600},
        {"jti": None},
        {"events": None},
        {"events": {"other": {}}},
        {"events": LOGOUT_EVENT},
        {"sid": None},
        {"nonce": "of an id_token"},
        {"exp": 1},
    ],
)
def test_a_logout_token_that_is_wrong_ends_nothing(
    browser: Browser, provider: Provider, change: Claims
) -> None:
    browser.login()
    answer = logout(browser, provider.logout_token(**change))
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"
    assert browser.me().status_code == 200


def test_an_unsigned_logout_token_ends_nothing(browser: Browser, provider: Provider) -> None:
    browser.login()
    provider.sign = unsigned
    assert logout(browser, provider.logout_token()).status_code == 400
    assert logout(browser, "").status_code == 400
    assert browser.me().status_code == 200


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"NOTES_OIDC_CA_FILE": ""}, "provider_unavailable"),
        ({"NOTES_OIDC_CLIENT_SECRET_FILE": "wrong"}, "invalid_client"),
        ({"NOTES_OIDC_ISSUER": "no slash at the end"}, "provider_unavailable"),
    ],
)
def test_a_provider_that_cannot_be_trusted_or_reached_gives_no_session(
    running: tuple[Host, Provider], tmp_path: Path, environment: dict[str, str], told: str
) -> None:
    right, provider = running
    host = Host(tmp_path)
    host.environment = {**right.environment, **host.environment, **environment}
    if "NOTES_OIDC_ISSUER" in environment:
        host.environment["NOTES_OIDC_ISSUER"] = provider.issuer.rstrip("/")
    if "NOTES_OIDC_CLIENT_SECRET_FILE" in environment:
        wrong = host.configuration / "wrong"
        wrong.write_text("another secret")
        host.environment["NOTES_OIDC_CLIENT_SECRET_FILE"] = str(wrong)
    host.serve(build(tmp_path / "v1", "1.0.0"))
    try:
        browser = Browser(host, provider)
        begun = browser.get("/login")
        if begun.status_code == 303:
            begun = browser.finish(provider.authorize(begun.headers["Location"]))
        assert refusal(begun) == told
    finally:
        host.kill()


def logout(browser: Browser, token: str) -> requests.Response:
    provider = Browser(browser.host, browser.provider)
    return provider.post("/oidc/backchannel-logout", data={"logout_token": token})
