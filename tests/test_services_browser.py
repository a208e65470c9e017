"""Chromium against a real https server: names, trust, what is kept, and what is left behind."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Error as PlaywrightError

from conformance.common.pki import CertificateAuthority, ServerCertificate
from conformance.common.timeouts import Timeouts
from conformance.components.debian import missing_packages
from conformance.services.browser import PACKAGES, Browser, resolver_rules
from conformance.services.dashboard import Dashboard
from conformance.services.visitor import public

DOMAIN = "stackspin.test"
FORM = b"""<!DOCTYPE html><html lang="en"><title>Sign in</title><h1>Sign in</h1>
<p role="alert">No such luck</p><form method="post"><label>Password
<input type="password" name="p" value="hunter2"></label>
<input type="hidden" name="csrf_token" value="c5rf"><code data-secret>JBSWY3DP</code>
<button>Go on</button></form><script>console.error("seen from the page")</script></html>"""

pytestmark = pytest.mark.skipif(
    bool(missing_packages(PACKAGES)), reason=f"needs {' and '.join(PACKAGES)}"
)


VALUES = b"""<!DOCTYPE html><html lang="en"><title>App</title><h1>App</h1><form method="post">
<label>Values in the ConfigMap<textarea name="v"></textarea></label>
<button>Save the configuration</button></form></html>"""
BEHIND = 0.5
"""Seconds between the first half of an answer and the rest: the server is busy."""


class Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.answer(VALUES if self.path.startswith("/apps/") else FORM)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(BEHIND)
        self.answer(VALUES.replace(b"</html>", b""), rest=b"<p role=alert>saved</p></html>")

    def answer(self, page: bytes, rest: bytes = b"") -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Set-Cookie", "session=s; Secure; HttpOnly; SameSite=Lax")
        self.send_header("Content-Length", str(len(page + rest)))
        self.end_headers()
        self.wfile.write(page)
        if rest:
            time.sleep(BEHIND)
            self.wfile.write(rest)

    def log_message(self, *_: object) -> None:
        pass


class Kept:
    """Evidence in a dictionary."""

    def __init__(self) -> None:
        self.files: dict[str, str | bytes | Path] = {}

    def attach(self, name: str, content: str | bytes | Path) -> Path:
        self.files[name] = content
        return Path(name)

    def screenshot(self, name: str, jpeg: bytes) -> Path:
        return self.attach(f"{name}.jpg", jpeg)


@pytest.fixture(scope="module")
def certificate() -> ServerCertificate:
    return CertificateAuthority().issue(DOMAIN)


@pytest.fixture(scope="module")
def address(
    certificate: ServerCertificate, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("tls")
    (folder / "tls.pem").write_bytes(certificate.certificate + certificate.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "tls.pem")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser(
    address: str, certificate: ServerCertificate, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    folder = tmp_path_factory.mktemp("browser")
    with Browser(DOMAIN, address, certificate.ca_certificate, folder) as chromium:
        yield chromium


def test_platform_names_lead_to_the_ingress_and_others_nowhere(browser: Browser) -> None:
    with browser.visitor(Kept()) as alice:
        alice.open(f"https://notes.{DOMAIN}/")
        assert alice.page.title() == "Sign in"
        with pytest.raises(PlaywrightError, match="ERR_NAME_NOT_RESOLVED"):
            alice.open("https://example.org/")


def test_certificate_of_another_ca_is_refused(
    address: str, tmp_path: Path, browser: Browser
) -> None:
    del browser  # Playwright allows one driver a thread
    script = f"""
import sys
from pathlib import Path
from conformance.services.browser import Browser
from conformance.services.dashboard import Dashboard
from conformance.common.pki import CertificateAuthority
from tests.test_services_browser import Kept
with Browser("{DOMAIN}", "{address}", CertificateAuthority().certificate, Path(sys.argv[1])) as b:
    with b.visitor(Kept()) as alice:
        alice.open("https://notes.{DOMAIN}/")
"""
    ended = subprocess.run(
        [sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=False
    )
    assert "ERR_CERT_AUTHORITY_INVALID" in ended.stderr


def test_each_visitor_has_cookies_of_their_own(browser: Browser) -> None:
    url = f"https://notes.{DOMAIN}/"
    with browser.visitor(Kept()) as alice, browser.visitor(Kept()) as bob:
        alice.open(url)
        [cookie] = alice.cookies()
        assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) == (True, True, "Lax")
        assert bob.cookies() == []
        with browser.visitor(Kept(), state=alice.state()) as again:
            assert [cookie["name"] for cookie in again.cookies()] == ["session"]


def test_the_answer_to_a_form_is_read_when_all_of_it_is_there(browser: Browser) -> None:
    with browser.visitor(Kept()) as ada:
        said = Dashboard(ada, f"https://dashboard.{DOMAIN}").configure("notes", "title: x")
    assert said == "saved"


def test_a_time_out_says_what_was_seen_and_keeps_it(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser, "_timeouts", Timeouts(page=3.0))
    kept = Kept()
    with pytest.raises(AssertionError) as stuck, browser.visitor(kept, "alice") as alice:  # noqa: PT012
        alice.open(f"https://notes.{DOMAIN}/web/login?login_challenge=s3cr3t")
        alice.fill("Password", "correct horse")
        alice.press("Buy")
    told = str(stuck.value)
    for part in ("alice is stuck", "/web/login?login_challenge=...", "Sign in", "No such luck"):
        assert part in told
    assert "seen from the page" in told
    html = str(kept.files["alice-at-failure.html"])
    assert "No such luck" in html
    for secret in ("hunter2", "c5rf", "JBSWY3DP", "s3cr3t"):
        assert secret not in html + told
    steps = str(kept.files["alice-steps.txt"])
    for part in ("opens https://notes.", "GET https://notes.", ": 200", "the page says: seen from",
                 "fills in 'Password'", "presses 'Buy'"):  # fmt: skip
        assert part in steps
    assert "s3cr3t" not in steps
    assert "correct horse" not in steps
    assert bytes(kept.files["alice-at-failure.jpg"]).startswith(b"\xff\xd8")  # type: ignore[arg-type]


def test_only_harmless_parameters_are_public() -> None:
    url = "https://a.test/cb?error=access_denied&code=secret&state=x#access_token=y"
    assert public(url) == "https://a.test/cb?error=access_denied&code=...&state=..."


def test_rules_leave_no_other_name() -> None:
    assert resolver_rules("a.test", "10.0.0.1").endswith("MAP * ~NOTFOUND")


def test_nothing_survives_a_killed_run(address: str, tmp_path: Path) -> None:
    script = f"""
import sys, time
from pathlib import Path
from conformance.services.browser import Browser
from conformance.services.dashboard import Dashboard
from conformance.common.pki import CertificateAuthority
with Browser("{DOMAIN}", "{address}", CertificateAuthority().certificate, Path(sys.argv[1])):
    print("up", flush=True)
    time.sleep(600)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script, tmp_path], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "up\n"
    assert mentioning(tmp_path)
    process.send_signal(signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 60
    while (left := mentioning(tmp_path)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert left == []


def mentioning(folder: Path) -> list[str]:
    """Return command lines of living processes that name the folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in line and path.parent.name != str(os.getpid()):
            found.append(line)
    return found
