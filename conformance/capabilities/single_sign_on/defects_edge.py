"""Defects of the platform's edge: plain http, old TLS, and headers that browsers rely on."""

from __future__ import annotations

import socket
import ssl
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from requests import PreparedRequest, Response

from conformance.apps.catalogue import NOTES
from conformance.common.pki import CertificateAuthority
from conformance.common.soon import soon
from conformance.services.ingress import PlatformAdapter
from conformance.services.tls import ANY_CIPHER
from conformance.suite.wire import Send, Wire, path_of

if TYPE_CHECKING:
    from conformance.capabilities.single_sign_on.app_sessions import AppSessions
    from conformance.suite.accounts import Accounts
    from conformance.suite.twins import Twin

INGRESS = ("networking.k8s.io/v1", "Ingress")
SSL_REDIRECT = "nginx.ingress.kubernetes.io/ssl-redirect"


@pytest.fixture
def app_over_plain_http(app_sessions: AppSessions) -> Iterator[None]:
    """The Ingress of an app leads nobody from plain http to https."""
    url = app_sessions.url(NOTES).replace("https:", "http:", 1)
    with _annotated(app_sessions.accounts, str(urlsplit(url).hostname), {SSL_REDIRECT: "false"}):
        kube, http = app_sessions.accounts.kube, app_sessions.accounts.http()
        soon(
            lambda: not http.get(url, allow_redirects=False).is_redirect,
            within=kube.timeouts.routing,
        )
        yield


@contextmanager
def _annotated(accounts: Accounts, host: str, annotations: Mapping[str, str]) -> Iterator[None]:
    """Within the body, the Ingress of an app's host has more annotations."""
    namespace = accounts.clients.platform.apps
    [name] = [
        one["metadata"]["name"]
        for one in accounts.kube.list(*INGRESS, namespace)
        if host in [rule.get("host") for rule in one["spec"]["rules"]]
    ]
    which = (*INGRESS, name, namespace)
    accounts.kube.patch(*which, {"metadata": {"annotations": dict(annotations)}})
    try:
        yield
    finally:
        accounts.kube.patch(*which, {"metadata": {"annotations": dict.fromkeys(annotations)}})


@pytest.fixture
def header_of_answers(wire: Wire, twin: Twin) -> None:
    """A header of answers, at paths that end so, has another value; an empty one is missing."""
    name, value = twin.settings["header"], twin.settings["value"]

    def exchange(request: PreparedRequest, send: Send) -> Response:
        answer = send(request)
        if path_of(request).endswith(twin.settings.get("at", "")):
            answer.headers.pop(name, None)
            answer.headers.update({name: value} if value else {})
        return answer

    wire.alter(exchange)


@pytest.fixture
def old_tls_spoken(accounts: Accounts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whoever offers TLS 1.1 at the ingress is answered with it."""
    serve = _server_of(tmp_path / "tls.pem", accounts.domain)

    def connect(_: PlatformAdapter, url: str) -> socket.socket:
        del url
        ours, theirs = socket.socketpair()
        threading.Thread(target=serve, args=[theirs], daemon=True).start()
        return ours

    monkeypatch.setattr(PlatformAdapter, "connect", connect)


def _server_of(pem: Path, domain: str) -> Callable[[socket.socket], None]:
    """Return what shakes hands at one end of a connection, by TLS 1.1 or newer."""
    pair = CertificateAuthority().issue(domain)
    pem.write_bytes(pair.certificate + pair.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    context.set_ciphers(ANY_CIPHER)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1_1

    def serve(end: socket.socket) -> None:
        with suppress(OSError), context.wrap_socket(end, server_side=True) as session:
            session.recv(1)

    return serve
