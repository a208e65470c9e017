"""Wire defects: what a client of the platform's ingress sends and gets, against a real server."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

import pytest
import requests
from https_server import DOMAIN

from conformance.common.pki import ServerCertificate
from conformance.services.form_browser import FormBrowser
from conformance.services.ingress import HttpClient
from conformance.suite.wire import (
    Send,
    Wire,
    answer_with,
    form_of,
    path_of,
    query_of,
    with_form,
    with_query,
)


class Door(BaseHTTPRequestHandler):
    """Leads from /start to /end, with a cookie; answers with its query or its form."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/start":
            self.send_response(302)
            self.send_header("Location", "/end?by=start")
            self.send_header("Set-Cookie", "seen=yes")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self._say(parts.query)

    def do_POST(self) -> None:
        self._say(self.rfile.read(int(self.headers["Content-Length"])).decode())

    def _say(self, text: str) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


HANDLER = Door


@pytest.fixture
def address(port: int) -> str:
    return f"https://notes.{DOMAIN}:{port}"


@pytest.fixture
def client(certificate: ServerCertificate) -> HttpClient:
    return HttpClient(DOMAIN, "127.0.0.1", certificate.ca_certificate)


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    return Wire(monkeypatch)


@pytest.mark.parametrize(
    "follow", [requests.Session.get, lambda http, url: FormBrowser(http).open(url)]
)
def test_each_redirect_is_a_request_of_its_own(
    wire: Wire, client: HttpClient, address: str, follow: object
) -> None:
    seen = []

    def exchange(request: requests.PreparedRequest, send: Send) -> requests.Response:
        seen.append((path_of(request), query_of(request)))
        return send(request)

    wire.alter(exchange)
    assert follow(client, f"{address}/start").text == "by=start"
    assert seen == [("/start", {}), ("/end", {"by": "start"})]
    assert client.cookies["seen"] == "yes"


def test_what_is_sent_is_altered_and_the_client_does_not_see_it(
    wire: Wire, client: HttpClient, address: str
) -> None:
    wire.alter(lambda request, send: send(with_query(request, by="wire", more="ü &")))
    answer = client.get(f"{address}/end?by=client&kept=")
    assert answer.text == "by=wire&kept=&more=%C3%BC+%26"
    assert answer.url == f"{address}/end?by=client&kept="


def test_a_form_is_altered_with_its_length(wire: Wire, client: HttpClient, address: str) -> None:
    forms = []

    def exchange(request: requests.PreparedRequest, send: Send) -> requests.Response:
        forms.append(form_of(request))
        return send(with_form(request, secret="a longer one"))

    wire.alter(exchange)
    answer = client.post(f"{address}/form", data={"secret": "short", "empty": ""})
    assert forms == [{"secret": "short", "empty": ""}]
    assert answer.text == "secret=a+longer+one&empty="
    assert form_of(requests.Request("GET", address).prepare()) == {}


def test_an_answer_may_be_altered_or_made(wire: Wire, client: HttpClient, address: str) -> None:
    def exchange(request: requests.PreparedRequest, send: Send) -> requests.Response:
        if path_of(request) == "/made":
            return answer_with(302, headers={"Location": f"{address}/end?by=wire"})
        answer = send(request)
        answer.status_code = 404
        return answer

    wire.alter(exchange)
    page = FormBrowser(client).open(f"{address}/made")
    assert (page.status, page.text) == (404, "by=wire")
    assert client.get(f"{address}/made").history[0].status_code == 302


def test_a_made_answer_has_a_text(wire: Wire, client: HttpClient, address: str) -> None:
    wire.alter(lambda _, __: answer_with(200, '{"who": "wïre"}', {"Content-Type": "text/json"}))
    answer = client.get(f"{address}/end")
    assert answer.json() == {"who": "wïre"}
    assert answer.headers["Content-Type"] == "text/json"


def test_a_given_answer_can_be_given_again(wire: Wire, client: HttpClient, address: str) -> None:
    given: list[requests.Response] = []

    def exchange(request: requests.PreparedRequest, send: Send) -> requests.Response:
        given.append(given[0] if given else send(request))
        return given[-1]

    wire.alter(exchange)
    assert [client.get(f"{address}/end?n={n}").text for n in range(3)] == ["n=0"] * 3


def test_the_last_exchange_gets_the_request_of_the_client_first(
    wire: Wire, client: HttpClient, address: str
) -> None:
    for name in ("first", "last"):
        wire.alter(lambda request, send, name=name: send(with_query(request, by=name)))
    assert client.get(f"{address}/end").text == "by=first"


def test_the_wire_is_as_it_was_when_the_check_has_ended(client: HttpClient, address: str) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        Wire(monkeypatch).alter(lambda _, __: answer_with(503))
        assert client.get(f"{address}/end").status_code == 503
        assert client.get_routed(f"{address}/end", within=0).status_code == 503
    assert client.get(f"{address}/end").status_code == 200
