"""Somebody with a browser of their own: opens pages, fills in forms, shows what they saw.

Screenshots and kept pages never show a secret: codes that somebody types in, and whatever a page
marks with ``data-secret`` (a TOTP secret and its QR code, recovery codes), are masked; of passwords
the browser shows dots.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit

from playwright.sync_api import ConsoleMessage, Page, Response
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError

from conformance.common.transcript import record, without_values
from conformance.services.browser_steps import FILE, Steps

READABLE = ("input[autocomplete=one-time-code]", "input[name=lookup_secret]", "[data-secret]")
"""CSS selectors of what nobody may read in a picture."""
SECRETS = (*READABLE, "input[type=password]", "input[type=hidden]")
"""CSS selectors of what nobody may read in a page's source."""
PUBLIC_PARAMETERS = frozenset(
    {"error", "error_description", "error_hint", "scope", "response_type"}
)
"""Parameters of a URL that help to understand a failure and are no secret."""
QUALITY = 60
"""Of a picture, in percent: two thirds of a PNG's bytes, so that a report has room for all."""
LOADS_MORE = "script, iframe, [onload], meta[http-equiv=refresh i]"
"""CSS selector of what loads more once a page is loaded."""
SETTLED = 5.0
"""Seconds in which a page has loaded what it shows, unless it goes on loading while it is open."""
SHOWN = 400
"""Characters of a page's text in an error message."""
WITHOUT_SECRETS = """([secrets, wanted]) => {
    const copy = document.documentElement.cloneNode(true);
    for (const element of copy.querySelectorAll(secrets)) {
        element.removeAttribute("value");
        element.removeAttribute("src");
        element.textContent = "***";
    }
    if (wanted === "html") return "<!DOCTYPE html>" + copy.outerHTML;
    copy.querySelectorAll("script, style").forEach(element => element.remove());
    const alerts = [...copy.querySelectorAll("[role=alert], .error")];
    const texts = [...alerts, copy.querySelector("body")].map(element => element.textContent);
    return texts.join(" ");
}"""


class KeepsEvidence(Protocol):
    """What a visitor needs of ``conformance.report.evidence.EvidenceBox``."""

    def attach(self, name: str, content: str | bytes | Path) -> Path:
        """Keep a file."""

    def screenshot(self, name: str, jpeg: bytes) -> Path:
        """Keep an image."""


class Visitor:
    """One user's browser window. ``page`` is Playwright's, for page objects to act on."""

    def __init__(self, page: Page, evidence: KeepsEvidence, name: str) -> None:
        self.page = page
        self.name = name
        self.console: list[str] = []
        """Errors that the pages reported, script exceptions included."""
        self._evidence = evidence
        self._steps = Steps(page)
        page.on("console", self._hear)
        page.on("response", self._record)
        page.on("pageerror", lambda error: self._complain(str(error)))

    def _record(self, response: Response) -> None:
        """Keep what a page was asked for, not all that it loads."""
        request = response.request
        if request.is_navigation_request():
            asked = f"{self.name} in the browser: {request.method} {without_values(request.url)}"
            record(asked, response.status)

    def open(self, url: str) -> None:
        """Go to ``url`` and wherever it leads."""
        self._steps.note(f"opens {without_values(url)}")
        self.page.goto(url)

    def fill(self, label: str, value: str) -> None:
        """Fill in the field that has this label."""
        self._steps.note(f"fills in {label!r}")
        self.page.get_by_label(label).fill(value)

    def press(self, button: str) -> None:
        """Press the button of this name; what comes of it has to be waited for."""
        self._steps.note(f"presses {button!r}")
        self.page.get_by_role("button", name=button).click()

    def send(self, button: str) -> None:
        """Press the button that sends a form; returns when the answer is there, all of it."""
        with self.page.expect_navigation():
            self.press(button)

    def click(self, selector: str) -> None:
        """Click what a CSS selector finds first, in a closed menu as well.

        Returns at the page to which that leads; if it leads to none, after a while.
        """
        self._steps.note(f"clicks {selector}")
        element = self.page.locator(selector).first
        element.wait_for(state="attached")
        with suppress(PlaywrightTimeoutError), self.page.expect_navigation():
            element.dispatch_event("click")

    def settle(self) -> None:
        """Wait until the page's scripts have loaded what it shows; one without any has done so."""
        with suppress(PlaywrightError):
            if not self.page.locator(LOADS_MORE).count():
                return
        with suppress(PlaywrightTimeoutError):
            self.page.wait_for_load_state("networkidle", timeout=SETTLED * 1000)

    def arrives(self, url: str) -> None:
        """Wait until a page whose address begins with ``url`` is loaded."""
        self._steps.note(f"waits for {without_values(url)}")
        self.page.wait_for_url(lambda address: address.startswith(url))

    def screenshot(self, name: str) -> None:
        """Keep what the page shows, all its length, secrets masked, as ``NAME.jpg``."""
        masked = [self.page.locator(selector) for selector in READABLE]
        jpeg = self.page.screenshot(
            type="jpeg",
            quality=QUALITY,
            full_page=True,
            mask=masked,
            mask_color="#767676",
            animations="disabled",
            caret="hide",
        )
        self._evidence.screenshot(name, jpeg)

    def cookies(self) -> list[Any]:
        """Return every cookie that the browser has, with its flags, as Playwright tells them."""
        return list(self.page.context.cookies())

    def state(self) -> Any:  # noqa: ANN401 - Playwright's own shape, opaque here
        """Return cookies and storage, for another visitor to begin with."""
        return self.page.context.storage_state()

    def seen(self) -> str:
        """Return address, title and text of the page in a few lines, without secrets."""
        text, title = "", ""
        with suppress(PlaywrightError):
            title, text = self.page.title(), " ".join(self._without_secrets("text").split())
        console = f"\nconsole: {'; '.join(self.console[-3:])}" if self.console else ""
        return f"page: {public(self.page.url)}\ntitle: {title}\ntext: {text[:SHOWN]}{console}"

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """Keep page, picture and console when the body fails; say what was seen at a time-out."""
        try:
            yield
        except PlaywrightError as error:
            self._keep()
            tried = error.message.partition("Call log:")[0].strip()
            raise AssertionError(f"{self.name} is stuck: {tried}\n{self.seen()}") from error
        except Exception:
            self._keep()
            raise

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._complain(message.text)

    def _complain(self, text: str) -> None:
        self.console.append(text)
        self._steps.note(f"  the page says: {text.partition(chr(10))[0]}")

    def _without_secrets(self, wanted: Literal["html", "text"]) -> str:
        return str(self.page.evaluate(WITHOUT_SECRETS, [", ".join(SECRETS), wanted]))

    def _keep(self) -> None:
        """Keep what there is; a page that crashed shows nothing, and must not hide the failure."""
        with suppress(PlaywrightError):
            self.screenshot(f"{self.name}-at-failure")
        with suppress(PlaywrightError):
            self._evidence.attach(f"{self.name}-at-failure.html", self._without_secrets("html"))
        self._evidence.attach(f"{self.name}-{FILE}", self._steps.text())
        if self.console:
            self._evidence.attach(f"{self.name}-console.log", "\n".join(self.console))


OpenBrowser = Callable[[str], AbstractContextManager[Visitor]]
"""Opens the browser for somebody: ``with visitor("zoe") as zoe``."""


def public(url: str) -> str:
    """Return ``url`` without the values of parameters that may be codes, challenges or tokens."""
    parts = urlsplit(url)
    parameters = [
        (name, value if name in PUBLIC_PARAMETERS else "...")
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    ]
    return parts._replace(query=urlencode(parameters), fragment="").geturl()
