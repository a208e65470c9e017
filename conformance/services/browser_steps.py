"""What somebody did in a browser, and what came of it, line by line: evidence of a failed check.

In the place of a Playwright trace: that has whatever was typed, every cookie, the bodies of all
answers and pictures of all pages, where nothing that is masked elsewhere would be. Here are only
names of fields and buttons, addresses without values, and statuses.
"""

from __future__ import annotations

import time
from collections import deque

from playwright.sync_api import Page, Request, Response

from conformance.common.transcript import without_values

FILE = "steps.txt"
_KEPT = 400
"""Lines from the end: a page that goes on asking for something would push out the rest."""
_ASKED = frozenset({"document", "fetch", "xhr"})
"""What a page is asked for, and what its scripts ask for; not the pictures and fonts it loads."""


class Steps:
    """The last steps on one page, each with the seconds since the first."""

    def __init__(self, page: Page) -> None:
        self._began = time.monotonic()
        self._lines: deque[str] = deque(maxlen=_KEPT)
        page.on("response", self._answered)
        page.on("requestfailed", self._failed)

    def note(self, text: str) -> None:
        """Add a step."""
        self._lines.append(f"{time.monotonic() - self._began:8.2f} s  {text}")

    def text(self) -> str:
        """Return all steps, oldest first."""
        return "\n".join(self._lines)

    def _answered(self, response: Response) -> None:
        if response.request.resource_type in _ASKED:
            self.note(f"  {_asked(response.request)}: {response.status}")

    def _failed(self, request: Request) -> None:
        if request.resource_type in _ASKED:
            self.note(f"  {_asked(request)}: {request.failure or 'failed'}")


def _asked(request: Request) -> str:
    return f"{request.method} {without_values(request.url)}"
