"""TLS with the harness's CA and names that exist nowhere, against a real https server."""

from __future__ import annotations

import ssl
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import ClassVar

import pytest
import requests
from https_server import DOMAIN

from conformance.common.pki import CertificateAuthority, ServerCertificate
from conformance.common.timeouts import Timeouts
from conformance.services.ingress import HttpClient


class Echo(BaseHTTPRequestHandler):
    """Answers with the Host header; a path /after/N answers 404 for N times first.

    A path /then/A/B/C answers with these statuses, one after the other, and goes on with the last.
    """

    asked: ClassVar[dict[str, int]] = {}

    def do_GET(self) -> None:
        self.asked[self.path] = self.asked.get(self.path, 0) + 1
        kind, _, times = self.path.strip("/").partition("/")
        if kind == "drip":
            self._drip(int(times))
            return
        unrouted = kind == "after" and self.asked[self.path] <= int(times)
        statuses = [int(each) for each in times.split("/")] if kind == "then" else [200]
        status = statuses[min(self.asked[self.path], len(statuses)) - 1]
        self.send_response(404 if unrouted else status)
        body = self.headers["Host"].encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _drip(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        with suppress(OSError):  # nobody reads any more
            for _ in range(100):
                self.wfile.write(b"x")
                time.sleep(0.05)

    def log_message(self, *_: object) -> None:
        pass


HANDLER = Echo


@pytest.fixture
def client(certificate: ServerCertificate) -> HttpClient:
    return HttpClient(DOMAIN, "127.0.0.1", certificate.ca_certificate)


def test_a_platform_name_is_reached_by_its_name(client: HttpClient, port: int) -> None:
    answer = client.get(f"https://notes.{DOMAIN}:{port}/")
    assert answer.text == f"notes.{DOMAIN}:{port}"
    assert client.get(f"https://other.{DOMAIN}:{port}/").text == f"other.{DOMAIN}:{port}"


def test_another_ca_is_not_trusted(port: int) -> None:
    stranger = HttpClient(DOMAIN, "127.0.0.1", CertificateAuthority().certificate)
    with pytest.raises(requests.exceptions.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        stranger.get(f"https://notes.{DOMAIN}:{port}/")
    with pytest.raises(ssl.SSLCertVerificationError):
        stranger.certificate(f"https://notes.{DOMAIN}:{port}/")


def test_the_certificate_that_a_host_presents_is_returned(
    client: HttpClient, certificate: ServerCertificate, port: int
) -> None:
    found = client.certificate(f"https://notes.{DOMAIN}:{port}/")
    assert ssl.DER_cert_to_PEM_cert(found).encode() == certificate.certificate


def test_the_wildcard_is_one_level_deep(client: HttpClient, port: int) -> None:
    with pytest.raises(requests.exceptions.SSLError, match=r"doesn't match|not valid for"):
        client.get(f"https://a.b.{DOMAIN}:{port}/")


def test_names_outside_the_platform_are_refused(client: HttpClient) -> None:
    with pytest.raises(ValueError, match=r"example\.org is not a name of the platform"):
        client.get("https://example.org/")


def test_a_route_that_comes_is_waited_for(client: HttpClient, port: int) -> None:
    assert client.get(f"https://notes.{DOMAIN}:{port}/after/1").status_code == 404
    assert client.get_routed(f"https://notes.{DOMAIN}:{port}/after/3").status_code == 200


@pytest.mark.parametrize(
    ("statuses", "wanted"),
    [
        ("200/503/404", 404),  # uninstalled: served still, then without a backend, then unknown
        ("200/404/401", 401),  # a password is asked for once the ingress has the Secret
        ("401/401/200", 200),  # and none any more
    ],
)
def test_what_the_ingress_takes_several_notes_of_is_waited_for(
    client: HttpClient, port: int, statuses: str, wanted: int
) -> None:
    url = f"https://notes.{DOMAIN}:{port}/then/{statuses}"
    assert client.get_until(url, wanted).status_code == wanted


def test_an_answer_that_does_not_come_is_returned_as_it_is(
    certificate: ServerCertificate, port: int
) -> None:
    at_once = Timeouts(routing=0.0)
    client = HttpClient(DOMAIN, "127.0.0.1", certificate.ca_certificate, timeouts=at_once)
    answer = client.get_until(f"https://notes.{DOMAIN}:{port}/then/200/503", 404)
    assert answer.status_code == 503


def test_a_certificate_covers_its_own_domain_only(certificate: ServerCertificate) -> None:
    assert certificate.covers(DOMAIN)
    assert not certificate.covers("stackspin.example")
    assert b"PRIVATE" not in repr(certificate).encode()


def test_versions_of_tls_are_asked_of_the_ingress(client: HttpClient, port: int) -> None:
    versions = client.tls_versions(f"https://notes.{DOMAIN}:{port}/")
    assert [one.name for one in versions] == ["TLSv1_2", "TLSv1_3"]
    with pytest.raises(ValueError, match=r"example\.org is not a name of the platform"):
        client.tls_versions("https://example.org/")


@pytest.mark.parametrize("status", [200, 503])
def test_an_answer_without_end_is_given_up(
    certificate: ServerCertificate, port: int, status: int
) -> None:
    soon = Timeouts(routing=0.0, transfer=0.3)
    client = HttpClient(DOMAIN, "127.0.0.1", certificate.ca_certificate, timeouts=soon)
    with pytest.raises(requests.RequestException, match=r"did not end in 0\.3 s"):
        client.get_routed(f"https://notes.{DOMAIN}:{port}/drip/{status}")


def test_a_large_answer_is_given_up(
    client: HttpClient, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conformance.services.answer_body._MOST_BYTES", 3)
    with pytest.raises(requests.RequestException, match="more than 3 bytes"):
        client.get(f"https://notes.{DOMAIN}:{port}/")
