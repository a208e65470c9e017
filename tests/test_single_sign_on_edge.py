"""What the checks of the platform's edge and of claims conclude, and what their twins do."""

from __future__ import annotations

import math
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
import yaml
from helm_python.chart import Chart
from https_server import DOMAIN

from conformance.capabilities.single_sign_on import defects_edge
from conformance.capabilities.single_sign_on.claims import misleads, out_of_bounds
from conformance.capabilities.single_sign_on.edge import (
    LEAST_MAX_AGE,
    kept_by_browsers,
    transport_faults,
)
from conformance.common.pki import ServerCertificate
from conformance.common.settings import PROJECT_ROOT
from conformance.platform.description import Lifetimes
from conformance.services.hydra import Hydra
from conformance.services.ingress import HttpClient
from conformance.services.kratos import Kratos
from conformance.suite.wire import Send, Wire, answer_with

YEAR = "max-age=31536000"
HOST = f"notes.{DOMAIN}"
SECURE = f"https://{HOST}/page"


class Secure(BaseHTTPRequestHandler):
    """Keeps browsers at https, and has pages that nobody keeps."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Strict-Transport-Security", YEAR)
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


HANDLER = Secure


@pytest.fixture
def client(certificate: ServerCertificate) -> HttpClient:
    return HttpClient(DOMAIN, "127.0.0.1", certificate.ca_certificate)


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    return Wire(monkeypatch)


@pytest.fixture
def url(port: int, wire: Wire) -> str:
    """The address of a page on a platform where plain http leads to https, as it should."""
    wire.alter(plain_http_with(301, Location=SECURE))
    return f"https://{HOST}:{port}/page"


def plain_http_with(status: int, **headers: str) -> Any:
    """Return an exchange in which plain http, always at port 80, is answered like this."""

    def exchange(request: requests.PreparedRequest, send: Send) -> requests.Response:
        if not str(request.url).startswith("http:"):
            return send(request)
        assert request.url == SECURE.replace("https:", "http:")
        return answer_with(status, headers=headers)

    return exchange


def test_a_good_edge_has_no_faults(client: HttpClient, url: str) -> None:
    assert [*transport_faults(client, url)] == []


@pytest.mark.parametrize(
    ("status", "location", "fault"),
    [
        (200, "", "answers 200 to plain http"),
        (404, "", "answers 404 to plain http"),
        (301, f"http://{HOST}/other", f"leads from plain http to http://{HOST}"),
        (308, "/other", f"leads from plain http to http://{HOST}"),
        (302, f"https://other.{DOMAIN}/", f"leads from plain http to https://other.{DOMAIN}"),
    ],
)
def test_plain_http_leads_to_the_same_host(
    client: HttpClient, url: str, wire: Wire, status: int, location: str, fault: str
) -> None:
    wire.alter(plain_http_with(status, **({"Location": location} if location else {})))
    assert [*transport_faults(client, url)] == [f"{HOST} {fault}"]


def test_plain_http_gives_no_cookies(client: HttpClient, url: str, wire: Wire) -> None:
    wire.alter(plain_http_with(301, **{"Location": SECURE, "Set-Cookie": "seen=yes"}))
    assert [*transport_faults(client, url)] == [f"{HOST} sets a cookie by plain http"]


def test_a_closed_port_is_reported(client: HttpClient, url: str, wire: Wire) -> None:
    def exchange(request: requests.PreparedRequest, send: Send) -> requests.Response:
        if str(request.url).startswith("http:"):
            raise requests.ConnectionError("connection refused")
        return send(request)

    wire.alter(exchange)
    said = f"{HOST} does not answer plain http: connection refused"
    assert [*transport_faults(client, url)] == [said]


@pytest.mark.parametrize(
    ("value", "enough"),
    [
        ("max-age=15552000", True),
        ("max-age=15551999", False),
        ("includeSubDomains; MAX-AGE = 31536000 ; preload", True),
        ('max-age="31536000"; includeSubDomains', True),
        ("max-age=0", False),
        ("max-age", False),
        ("x-max-age=31536000", False),
        ("max-age=60, max-age=31536000", False),
        ("", False),
    ],
)
def test_browsers_are_told_to_keep_to_https(
    client: HttpClient, url: str, wire: Wire, value: str, enough: bool
) -> None:
    settings = {"header": "Strict-Transport-Security", "value": value}
    fixture_of("header_of_answers")(wire, SimpleNamespace(settings=settings))
    said = f"{HOST} has Strict-Transport-Security: {value or 'missing'}"
    assert [*transport_faults(client, url)] == ([] if enough else [said])


def test_old_tls_is_found(
    client: HttpClient, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    accounts = SimpleNamespace(domain=DOMAIN)
    fixture_of("old_tls_spoken")(accounts, monkeypatch, tmp_path)
    assert [*transport_faults(client, url)] == [f"{HOST} speaks TLSv1_1"]


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("no-store", ""),
        ("private, no-cache, No-Store, must-revalidate", ""),
        ("private, no-cache", "Cache-Control: private, no-cache"),
        ("max-age=60", "Cache-Control: max-age=60"),
        ("", "Cache-Control: missing"),
    ],
)
def test_only_no_store_keeps_a_page_out_of_caches(said: str, kept: str) -> None:
    assert kept_by_browsers(answer_with(200, headers={"Cache-Control": said})) == kept


def test_a_header_is_altered_at_its_paths_alone(client: HttpClient, url: str, wire: Wire) -> None:
    settings = {"header": "Cache-Control", "value": "private", "at": "/whoami"}
    fixture_of("header_of_answers")(wire, SimpleNamespace(settings=settings))
    assert kept_by_browsers(client.get(url)) == ""
    whoami = client.get(url.replace("/page", "/sessions/whoami"))
    assert kept_by_browsers(whoami) == "Cache-Control: private"


def fixture_of(name: str) -> Any:
    """Return the function of a fixture that installs a defect."""
    return getattr(defects_edge, name).__wrapped__


GOOD = {"access_token": 3600, "id_token": 3601, "refresh_token": 2592000, "session": 86399.9}


@pytest.mark.parametrize(
    ("change", "faults"),
    [
        ({}, []),
        ({"id_token": 86400}, ["id_token: 86400 s, and 3600 s at most"]),
        ({"refresh_token": math.inf}, ["refresh_token: without an end, and 2592000 s at most"]),
        ({"session": 0}, ["session: 0 s, and 86400 s at most"]),
    ],
)
def test_lifetimes_are_compared_with_their_bounds(
    change: dict[str, float], faults: list[str]
) -> None:
    assert out_of_bounds({**GOOD, **change}, Lifetimes()) == faults


@pytest.mark.parametrize("verified", [True, False])
def test_an_app_that_is_told_nothing_of_an_address_is_not_misled(*, verified: bool) -> None:
    assert not misleads({}, verified=verified)
    assert not misleads({"email_verified": verified}, verified=verified)
    assert misleads({"email_verified": not verified}, verified=verified)


def test_a_token_that_hydra_says_has_ended_at_once_never_expires() -> None:
    unused: Any = None
    for ends, seconds in ((1600, 600), (1000, math.inf), (999, math.inf)):
        api: Any = SimpleNamespace(ask=lambda *_, ends=ends, **__: {"iat": 1000, "exp": ends})
        assert Hydra(api, unused).lifetime("a token") == seconds


class Identities:
    """A Kratos that answers with the identity that it is told to make."""

    def __init__(self, *, keeps: bool = True) -> None:
        self.kube = SimpleNamespace(redactor=SimpleNamespace(learn_value=lambda _: None))
        self._keeps = keeps

    def ask(self, _: str, __: str, body: dict[str, Any]) -> dict[str, Any]:
        kept = body.get("verifiable_addresses", []) if self._keeps else []
        return {"id": "1", "traits": body["traits"], "verifiable_addresses": kept}


@pytest.mark.parametrize(
    ("asked", "keeps", "verified"),
    [(True, True, True), (False, True, False), (True, False, False)],
)
def test_an_address_is_verified_if_kratos_keeps_that(
    asked: bool, keeps: bool, verified: bool
) -> None:
    api: Any = Identities(keeps=keeps)
    made = Kratos(api, {}).create("a@b.test", "secret", "A", {}, verified=asked)
    assert made.verified is verified


@pytest.mark.parametrize("chart", ["charts/nginx", "fixtures/platforms/annex/tree/charts/front"])
def test_the_ingress_controllers_keep_browsers_at_https(chart: str) -> None:
    with Chart.load(PROJECT_ROOT / chart) as loaded:
        files = loaded.render(values={}, name="ingress", namespace="stackspin")
    objects = [item for text in files.values() for item in yaml.safe_load_all(text) if item]
    [read] = [item["data"] for item in objects if item["kind"] == "ConfigMap"]
    middlewares: dict[str, Any] = {}
    for text in read.values():
        middlewares |= yaml.safe_load(text).get("http", {}).get("middlewares", {})
    [pod] = [
        item["spec"]["template"]["spec"] for item in objects if "template" in item.get("spec", {})
    ]
    option = ".http.middlewares="
    [argument] = [one for one in pod["containers"][0]["args"] if option in one]
    name = argument.partition(option)[2].removesuffix("@file")
    assert middlewares[name]["headers"]["stsSeconds"] >= LEAST_MAX_AGE
