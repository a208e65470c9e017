"""What holds for every test of the harness."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import kube_wire as wire
import pytest
from chromium import NothingKept
from https_server import DOMAIN, https_server

from conformance.common.pki import CertificateAuthority, ServerCertificate
from conformance.common.timeouts import Timeouts
from conformance.kube.client import Kube
from conformance.linter.helm.rendering import Renderer
from conformance.linter.limits import Limits

if TYPE_CHECKING:  # Playwright takes a while to be imported
    from conformance.services.browser import Browser
    from conformance.services.visitor import Visitor


def pytest_configure() -> None:
    """Let children be interrupted: a shell's background job inherits SIGINT ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what takes root or Chromium, unless it is asked for."""
    marked = [item for item in items if item.get_closest_marker("root")]
    if "root" not in config.option.markexpr and marked:
        items[:] = [item for item in items if item not in marked]
        config.hook.pytest_deselected(items=marked)


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
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser for pages in files."""
    from conformance.services.browser import Browser

    authority = CertificateAuthority().certificate
    folder = tmp_path_factory.mktemp("browser")
    slow = Timeouts.given(10, ())  # nothing here is about time
    with Browser("stackspin.test", "127.0.0.1:9", authority, folder, slow) as browser:
        yield browser


@pytest.fixture
def reader(chromium: Browser) -> Iterator[Visitor]:
    """Somebody who reads pages with it."""
    with chromium.visitor(NothingKept()) as visitor:
        yield visitor


@pytest.fixture(scope="module")
def port(
    request: pytest.FixtureRequest,
    certificate: ServerCertificate,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[int]:
    """The port of an https server that answers as the test module's ``HANDLER`` does."""
    with https_server(request.module.HANDLER, certificate, tmp_path_factory.mktemp("tls")) as port:
        yield port


@pytest.fixture(scope="module")
def one_renderer() -> Iterator[None]:
    """One process renders for all tests of a module: to start one takes longer than to judge."""
    with Renderer(Limits(seconds=3600)) as shared, pytest.MonkeyPatch.context() as patch:
        for module in ("linter.lint", "linter.draft.flux_package", "apps.package.given"):
            patch.setattr(f"conformance.{module}.Renderer", lambda _: nullcontext(shared))
        yield
