"""Versions of TLS: against servers of Python's own that speak some of them."""

from __future__ import annotations

import socket
import ssl
import threading
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from ssl import TLSVersion

import pytest

from conformance.common.pki import ServerCertificate
from conformance.services.tls import ANY_CIPHER, VERSIONS, CannotSpeak, spoken

HOST = "notes.stackspin.test"
Connect = Callable[[], socket.socket]
OLD, MIDDLE, GOOD, NEWEST = VERSIONS


def speaking(pem: Path, oldest: TLSVersion, newest: TLSVersion) -> Connect:
    """Return what connects to a server that speaks these versions and those between."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    context.set_ciphers(ANY_CIPHER)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version, context.maximum_version = oldest, newest

    def serve(end: socket.socket) -> None:
        with suppress(OSError), context.wrap_socket(end, server_side=True) as session:
            session.recv(1)

    def connect() -> socket.socket:
        ours, theirs = socket.socketpair()
        threading.Thread(target=serve, args=[theirs], daemon=True).start()
        return ours

    return connect


@pytest.fixture
def pem(certificate: ServerCertificate, tmp_path: Path) -> Path:
    path = tmp_path / "tls.pem"
    path.write_bytes(certificate.certificate + certificate.key)
    return path


@pytest.mark.parametrize(
    ("oldest", "newest", "versions"),
    [
        (OLD, NEWEST, [OLD, MIDDLE, GOOD, NEWEST]),
        (MIDDLE, NEWEST, [MIDDLE, GOOD, NEWEST]),
        (GOOD, NEWEST, [GOOD, NEWEST]),
        (NEWEST, NEWEST, [NEWEST]),
        (MIDDLE, MIDDLE, [MIDDLE]),
    ],
)
def test_a_server_speaks_what_it_speaks(
    pem: Path, oldest: TLSVersion, newest: TLSVersion, versions: list[TLSVersion]
) -> None:
    assert spoken(speaking(pem, oldest, newest), HOST) == versions


def test_a_server_that_hangs_up_speaks_nothing() -> None:
    def connect() -> socket.socket:
        ours, theirs = socket.socketpair()
        theirs.close()
        return ours

    assert spoken(connect, HOST) == []


def test_a_client_that_cannot_ask_says_so(pem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.services.tls.ANY_CIPHER", "DEFAULT@SECLEVEL=2")
    with pytest.raises(CannotSpeak, match="TLSv1: "):
        spoken(speaking(pem, OLD, NEWEST), HOST)
