"""What holds for every test of the harness."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import kube_wire as wire
import pytest
from https_server import DOMAIN, https_server

from conformance.common.pki import CertificateAuthority, ServerCertificate
from conformance.kube.client import Kube


def pytest_configure() -> None:
    """Let children be interrupted: a shell's background job inherits SIGINT ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def server() -> Iterator[wire.WireServer]:
    """An API server of the tests' own, on the wire."""
    server = wire.WireServer()
    yield server
    server.close()


@pytest.fixture
def kube(server: wire.WireServer, tmp_path: Path) -> Iterator[Kube]:
    """A client of ``server``."""
    kube = Kube(server.kubeconfig(tmp_path))
    yield kube
    kube.close()


@pytest.fixture(scope="module")
def certificate() -> ServerCertificate:
    """A certificate for the platform's domain."""
    return CertificateAuthority().issue(DOMAIN)


@pytest.fixture(scope="module")
def port(
    request: pytest.FixtureRequest,
    certificate: ServerCertificate,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[int]:
    """The port of an https server that answers as the test module's ``HANDLER`` does."""
    with https_server(request.module.HANDLER, certificate, tmp_path_factory.mktemp("tls")) as port:
        yield port
