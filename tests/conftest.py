"""What holds for every test of the harness."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import kube_wire as wire
import pytest

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
