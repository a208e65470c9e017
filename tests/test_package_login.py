"""The login of an app package, without a cluster: its client, and its pages in a real browser."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

import pytest
from https_server import https_server

from conformance.apps.package.client import AppClient, clients_of
from conformance.apps.package.given import read_apps
from conformance.apps.package.login import AppLogin
from conformance.apps.package.model.description import Description
from conformance.apps.package.placement import place
from conformance.apps.package.reference import reference_copy
from conformance.apps.package.running import RunningApp
from conformance.common.package import Package
from conformance.common.pki import CertificateAuthority
from conformance.common.redaction import Redactor
from conformance.common.settings import data_root
from conformance.components.debian import missing_packages
from conformance.kube.objects import Object, Ref
from conformance.services.browser import PACKAGES, Browser
from conformance.services.login_pages import User

DOMAIN = "stackspin.test"
APP, DASHBOARD = f"notes.{DOMAIN}", f"dashboard.{DOMAIN}"
MIA = User("1", f"mia@{DOMAIN}", "Mia", "a secret")
CLIENT = Ref("hydra.ory.sh/v1alpha1", "OAuth2Client", "notes", "flux-system")
DESCRIBED = {
    "host": "notes.${domain}",
    "login": {"begin": "/login", "user": {"path": "/"}, "logout": {"click": "#logout"}},
}


class Registered:
    """A cluster with one OAuth2Client and its Secret."""

    def __init__(self, *, id_key: str = "client_id", **spec: Any) -> None:
        self.redactor = Redactor()
        uris = [f"https://api.{DOMAIN}/cb", f"https://{APP}/cb"]
        self._client = {"spec": {"secretName": "notes-oauth", "redirectUris": uris, **spec}}
        values = {id_key: "notes", id_key.replace("id", "secret").replace("ID", "SECRET"): "first"}
        self.data = {key: base64.b64encode(text.encode()) for key, text in values.items()}

    def get(self, _: str, kind: str, name: str, namespace: str) -> Object:
        assert namespace == "flux-system"
        if kind == "OAuth2Client":
            return self._client
        assert name == "notes-oauth"
        return {"data": self.data}

    def patch(self, _: str, kind: str, name: str, namespace: str, change: Object) -> None:
        assert (kind, name, namespace) == ("Secret", "notes-oauth", "flux-system")
        for key, text in change["stringData"].items():
            self.data[key] = base64.b64encode(text.encode())


def a_client(kube: Any) -> AppClient:
    return AppClient(kube, CLIENT)


@pytest.mark.parametrize("id_key", ["client_id", "CLIENT_ID"])
def test_a_new_secret_takes_the_place_of_the_old_one(id_key: str) -> None:
    kube = Registered(id_key=id_key)
    client = a_client(kube)
    before = client.credentials()
    assert (before.client_id, before.client_secret) == ("notes", "first")
    client.replace_secret()
    after = client.credentials()
    assert (after.client_id, len(kube.data)) == ("notes", 2)
    assert after.client_secret not in ("", "first")
    assert kube.redactor.redact(f"it is {after.client_secret}") == "it is ***"


def test_a_client_says_where_it_leads_and_how_it_is_known() -> None:
    client = a_client(Registered())
    assert client.leads_to(APP)
    assert not client.leads_to(DOMAIN)
    assert (client.has_secret, client.credentials().authentication) == (True, "client_secret_basic")
    assert not a_client(Registered(tokenEndpointAuthMethod="none")).has_secret


def test_the_clients_of_a_package_are_those_that_people_log_in_by(tmp_path: Path) -> None:
    kube: Any = None
    notes = reference_copy(Package(data_root()), "notes", "memos", tmp_path)
    assert [str(one) for one in clients_of(kube, place(notes).app, "flux-system")] == [
        "OAuth2Client memos in flux-system"
    ]
    [pages] = read_apps(data_root() / "fixtures" / "packages" / "static-site")
    assert list(clients_of(kube, place(pages).app, "flux-system")) == []


@pytest.mark.parametrize("app", ["notes", "wordpress"])
def test_the_reference_apps_are_described_by_their_login(app: str, tmp_path: Path) -> None:
    description = reference_copy(Package(data_root()), app, "memos", tmp_path).description
    assert description.login
    assert description.host == "memos.${domain}"


FORM = "<form method=post>{}<button>{}</button></form>"
FIELDS = (
    "<label>E-mail address <input name=identifier></label>"
    "<label>Password <input type=password name=password></label>"
)
SCRIPTED = """<p>Notes</p><nav hidden><a id=logout href=/logout>Log out</a></nav>
<script>fetch("/me").then(me => me.text()).then(text => document.body.append(text))</script>"""


class Site(BaseHTTPRequestHandler):
    """A dashboard that asks for password, consent and logout, and an app of scripts."""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self._answer(parse_qs(self.rfile.read(length).decode()))

    def _answer(self, sent: dict[str, list[str]] | None = None) -> None:
        cookie = SimpleCookie(self.headers.get("Cookie", "")).get("user")
        user = cookie.value if cookie else ""
        (self._app if self.headers["Host"] == APP else self._dashboard)(user, sent)

    def _app(self, user: str, sent: dict[str, list[str]] | None) -> None:
        assert sent is None
        path, _, query = self.path.partition("?")
        if path == "/login":
            self._send_to(f"https://{DASHBOARD}/web/login")
        elif path == "/callback":
            self._send_to("/", query.removeprefix("user="))
        elif path == "/logout":
            self._send_to(f"https://{DASHBOARD}/web/logout", "")
        else:
            self._show(SCRIPTED if path == "/" else user)

    def _dashboard(self, user: str, sent: dict[str, list[str]] | None) -> None:
        if self.path == "/web/login":
            if sent and sent["password"] == [MIA.password]:
                self._send_to("/web/consent", sent["identifier"][0])
            elif user:
                self._send_to("/web/consent")
            else:
                self._show(FORM.format(FIELDS, "Log in"))
        elif sent is None:
            name = "Allow" if self.path == "/web/consent" else "Log out"
            self._show(FORM.format("", name))
        elif self.path == "/web/consent":
            self._send_to(f"https://{APP}/callback?user={user}")
        else:
            self._send_to(f"https://{APP}/", "")

    def _send_to(self, address: str, user: str | None = None) -> None:
        self.send_response(303)
        self.send_header("Location", address)
        if user is not None:
            self.send_header("Set-Cookie", f"user={user}; Path=/; Secure")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _show(self, body: str) -> None:
        page = f"<!DOCTYPE html><title>A page</title><body>{body}".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    folder = tmp_path_factory.mktemp("browser")
    certificate = CertificateAuthority().issue(DOMAIN)
    with (
        https_server(Site, certificate, folder) as port,
        Browser(DOMAIN, f"127.0.0.1:{port}", certificate.ca_certificate, folder) as chromium,
    ):
        yield chromium


class Kept:
    """Evidence that nobody looks at."""

    def attach(self, name: str, content: object) -> Path:
        del content
        return Path(name)

    screenshot = attach


def a_login() -> AppLogin:
    delivery: Any = SimpleNamespace(live=None, kube=None)
    http: Any = None
    description = Description.model_validate(DESCRIBED)
    assert description.login
    app = RunningApp(delivery, description, http, DOMAIN)
    return AppLogin(app, description.login, lambda name: f"https://{DASHBOARD}/web/{name}")


@pytest.mark.skipif(bool(missing_packages(PACKAGES)), reason=f"needs {' and '.join(PACKAGES)}")
def test_somebody_logs_in_to_an_app_of_scripts_and_out_of_it(browser: Browser) -> None:
    login = a_login()
    with browser.visitor(Kept(), "mia") as mia:
        assert not login.shows(mia, MIA)
        login.log_in(mia, MIA)
        login.begin(mia)
        assert not login.wants_password(mia)
        login.answer(mia, MIA)
        login.log_out(mia)
        assert not login.shows(mia, MIA)
        login.begin(mia)
        assert login.wants_password(mia)
        stranger = User("2", f"olga@{DOMAIN}", "Olga", "another secret")
        with pytest.raises(AssertionError, match=r"does not show .* to Olga.*\n.*/web/login"):
            login.log_in(mia, stranger)
        login.log_in_to_platform(mia, MIA)
        login.log_in(mia, MIA)
        login.log_out_of_platform(mia)
        assert mia.page.url == f"https://{APP}/"
