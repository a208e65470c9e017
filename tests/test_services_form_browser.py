"""Forms as a browser would send them, against a real server."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest

from conformance.common.pki import CertificateAuthority
from conformance.services.form_browser import FormBrowser, visible
from conformance.services.ingress import HttpClient
from conformance.services.self_service import endpoints

DOMAIN = "stackspin.test"
LOGIN = """<style>p {}</style><h1>Log  in</h1><form action="/search"><input name="q"></form>
<form action="/login?flow=1" method="POST"><input type=hidden name="csrf_token" value="t">
<input name="identifier"><input type="checkbox" name="remember" value="1" checked>
<input type="checkbox" name="spam"><button name="method" value="password">Log in</button></form>"""

FLOW = {
    "ui": {
        "action": "https://dashboard.stackspin.test/kratos/self-service/login?flow=f1",
        "method": "POST",
        "messages": [{"id": 4000006, "text": "The credentials are <wrong>."}],
        "nodes": [
            {"type": "input", "attributes": {"name": "csrf_token", "type": "hidden", "value": "t"}},
            {
                "type": "input",
                "attributes": {"name": "identifier", "type": "text"},
                "messages": [{"text": "Who are you?"}],
            },
            {"type": "input", "attributes": {"name": "password", "type": "password"}},
            {"type": "text", "attributes": {"text": {"text": "a text"}}},
            {"type": "input", "attributes": {"name": "method", "type": "submit", "value": "p"}},
        ],
    }
}


class Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/web/login?flow=f1":
            self.answer(200, "<script src=/draw.js></script>")
        elif self.path == "/kratos/self-service/login/flows?id=f1":
            wanted = self.headers["Accept"] == "application/json"
            self.answer(200 if wanted else 406, json.dumps(FLOW))
        elif self.path == "/":
            self.answer(302, "", Location="/login", **{"Set-Cookie": "s=1; Secure"})
        else:
            self.answer(200, LOGIN)

    def do_POST(self) -> None:
        sent = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        wanted = {"csrf_token": ["t"], "identifier": ["a"], "remember": ["1"], "method": ["m"]}
        if sent == wanted and self.headers["Cookie"] == "s=1" and self.headers["Origin"]:
            self.answer(303, "", Location="https://app.stackspin.test/callback?code=c")
        else:
            self.answer(400, str(sent))

    def answer(self, status: int, text: str, **headers: str) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(text))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, FormBrowser]]:
    certificate = CertificateAuthority().issue(DOMAIN)
    pem = tmp_path_factory.mktemp("tls") / "tls.pem"
    pem.write_bytes(certificate.certificate + certificate.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = HttpClient(DOMAIN, "127.0.0.1", certificate.ca_certificate)
    yield f"https://dashboard.{DOMAIN}:{server.server_port}", FormBrowser(client)
    server.shutdown()
    server.server_close()


def test_a_form_is_sent_as_a_browser_would(site: tuple[str, FormBrowser]) -> None:
    url, alice = site
    page = alice.open(f"{url}/")
    assert page.url == f"{url}/login"
    form = page.form("identifier", "method")
    callback = "https://app.stackspin.test/callback"
    arrived = alice.send(page, form, {"identifier": "a", "method": "m"}, until=callback)
    assert (arrived.url, arrived.status) == (f"{callback}?code=c", 0)


def test_a_missing_form_is_explained(site: tuple[str, FormBrowser]) -> None:
    url, alice = site
    with pytest.raises(AssertionError, match=r"no form with totp_code at .*HTTP 200.*Log in"):
        alice.open(f"{url}/").form("totp_code")


def test_a_form_that_scripts_draw_is_that_of_kratos_flow(site: tuple[str, FormBrowser]) -> None:
    url, alice = site
    pages = {"kratos": f"{url}/kratos/", "login": f"{url}/web/login"}
    drawn = FormBrowser(alice.http, endpoints(lambda name: pages.get(name, f"{url}/{name}")))
    page = drawn.open(f"{url}/web/login?flow=f1")
    form = page.form("identifier", "password", "method")
    assert form.action == FLOW["ui"]["action"]
    assert form.method == "post"
    assert form.fields == {"csrf_token": "t", "identifier": "", "password": ""}
    assert form.buttons == [("method", "p")]
    assert visible(page.text) == "The credentials are <wrong>. Who are you?"
    assert alice.open(f"{url}/web/login?flow=f1").forms == ()


def test_text_is_what_a_reader_sees() -> None:
    assert visible(LOGIN) == "Log in Log in"
