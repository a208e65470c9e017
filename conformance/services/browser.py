"""A real browser, Debian's Chromium without a window, that sees the platform as its users do and
nothing else.

The platform's names resolve to the ingress and every other name to nothing; certificates are
verified against the harness's CA. Chromium lives in namespaces of its own that die with the run,
its profile in memory.
"""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread
from typing import Any, Self

from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Playwright, sync_playwright

from conformance.common.errors import HarnessError
from conformance.common.timeouts import Timeouts
from conformance.components.debian import ensure_packages
from conformance.components.processes import prison
from conformance.services import network_namespace
from conformance.services.visitor import KeepsEvidence, Visitor

PROGRAM = "chromium-headless-shell"
"""The same engine as Chromium's, without what draws windows, for which that takes two to three
times as much CPU. Playwright takes this one, too, if it brings its own.
https://playwright.dev/python/docs/browsers#chromium-headless-shell
"""
PACKAGES = {
    PROGRAM: PROGRAM,
    "libatomic1": "/usr/lib/*/libatomic.so.1",  # for Playwright's own node
    "libnss3-tools": "certutil",
    "iproute2": "ip",
}
DESKTOP = (1280, 800)
PHONE = (390, 844)
"""Width and height in CSS pixels."""


class Browser:
    """One Chromium; started by ``with``, gone with the run whatever way that ends.

    ``folder`` gets the profile, ``address`` is where the names of ``domain`` are served, with a
    certificate of the CA ``ca_certificate`` (PEM). Raises ``HarnessError`` when it does not start.
    """

    def __init__(
        self,
        domain: str,
        address: str,
        ca_certificate: bytes,
        folder: Path,
        timeouts: Timeouts | None = None,
    ) -> None:
        self._domain = domain
        self._address = address
        self._ca_certificate = ca_certificate
        self._folder = folder
        self._timeouts = timeouts or Timeouts()
        self._stack = ExitStack()
        self._chromium: Chromium | None = None

    def __enter__(self) -> Self:
        ensure_packages(PACKAGES, why="see the platform in a browser")
        home = _trusting_home(self._folder / "home", self._ca_certificate)
        try:
            with _temporary_files_in(self._folder):
                playwright = self._stack.enter_context(sync_playwright())
            self._chromium = self._launch(playwright, home)
        except PlaywrightError as error:
            self._stack.close()
            raise HarnessError(
                f"Chromium did not start: {error.message}", f"try: {PROGRAM} --version"
            ) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @contextmanager
    def visitor(
        self,
        evidence: KeepsEvidence,
        name: str = "visitor",
        *,
        size: tuple[int, int] = DESKTOP,
        state: Any = None,  # noqa: ANN401 - Playwright's own shape, opaque here
    ) -> Iterator[Visitor]:
        """Yield somebody with a browser of their own: no cookies but those in ``state``.

        ``state`` is another visitor's ``state()``. When the body fails, what the visitor saw is
        kept as evidence, and a time-out of Playwright's becomes an ``AssertionError`` that says
        which page was shown.
        """
        assert self._chromium is not None, "use the browser in a with block"  # noqa: S101
        width, height = size
        context = self._chromium.new_context(
            viewport={"width": width, "height": height},
            storage_state=state,
            locale="en-GB",
            is_mobile=size == PHONE,
            has_touch=size == PHONE,
            reduced_motion="reduce",
        )
        context.set_default_timeout(self._timeouts.page * 1000)
        try:
            visitor = Visitor(context.new_page(), evidence, name)
            with visitor.explaining():
                yield visitor
        finally:
            context.close()

    def _launch(self, playwright: Playwright, home: Path) -> Chromium:
        address, program = self._address, self._outside()
        if os.geteuid() == 0:
            address, program = "127.0.0.1", self._enclosed()
        chromium = playwright.chromium.launch(
            executable_path=program,
            args=[
                "--no-sandbox",
                "--disable-background-networking",
                f"--host-resolver-rules={resolver_rules(self._domain, address)}",
            ],
            env={"HOME": str(home), "PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"},
            handle_sigint=False,
            handle_sigterm=False,
            handle_sighup=False,
            timeout=self._timeouts.browser_start * 1000,
        )
        self._stack.callback(chromium.close)
        return chromium

    def _outside(self) -> Path:
        """Return a program that starts Chromium in the host's network."""
        return _command(self._folder, *prison(mounts=False), PROGRAM)

    def _enclosed(self) -> Path:
        """Return a program that starts Chromium in a network of its own, which takes root."""
        path = self._folder / "platform.socket"
        self._stack.enter_context(_way_to(self._address, path, self._timeouts.page))
        python = (sys.executable, "-I", "-S", network_namespace.__file__)
        own_network = prison(mounts=True, network=True)
        return _command(self._folder, *own_network, *python, path, PROGRAM)


def resolver_rules(domain: str, address: str) -> str:
    """Return rules by which only the platform's names resolve, all of them to ``address``."""
    return f"MAP {domain} {address}, MAP *.{domain} {address}, MAP * ~NOTFOUND"


def _trusting_home(home: Path, ca_certificate: bytes) -> Path:
    """Make a home folder whose certificate store trusts the CA; Chromium on Linux asks NSS."""
    store = home / ".pki" / "nssdb"
    store.mkdir(parents=True)
    certificate = home / "ca.pem"
    certificate.write_bytes(ca_certificate)
    database = ("-d", f"sql:{store}")
    for arguments in (
        ("-N", *database, "--empty-password"),
        ("-A", *database, "-n", "stackspin-conformance", "-t", "C,,", "-i", str(certificate)),
    ):
        subprocess.run(["certutil", *arguments], check=True, capture_output=True)
    return home


@contextmanager
def _way_to(address: str, path: Path, within: float) -> Iterator[None]:
    """Relay connections to the Unix socket ``path`` to the platform at ``address``.

    It must take one ``within`` so many seconds.
    """
    host, _, port = address.partition(":")

    def platform() -> socket.socket:
        far = socket.create_connection((host, int(port or network_namespace.PORT)), within)
        far.settimeout(None)
        return far

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        Thread(target=network_namespace.relay, args=(listener, platform), daemon=True).start()
        yield
        listener.shutdown(socket.SHUT_RDWR)


def _command(folder: Path, *words: str | Path) -> Path:
    """Write a program that starts Chromium by these words; it ends with whoever starts it."""
    program = folder / "chromium"
    program.write_text(f'#!/bin/sh\nexec {shlex.join(map(str, words))} "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return program


@contextmanager
def _temporary_files_in(folder: Path) -> Iterator[None]:
    """Let what starts in the body keep its temporary files, such as the profile, in ``folder``."""
    before = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = before
