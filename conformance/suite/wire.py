"""Defects on the wire: what passes between the suite and the platform's ingress, altered.

For what no patch of a chart or of a source can break: Kratos and Hydra are built programs. The
client under the checks, ``services.ingress.HttpClient``, and the browser stay as they are; they
get the answers of a platform with the defect.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, Route

from conformance.services.ingress import PlatformAdapter

Send = Callable[[requests.PreparedRequest], requests.Response]
"""Sends a request to the platform, and returns its answer."""
Exchange = Callable[[requests.PreparedRequest, Send], requests.Response]
"""Answers a request as a platform with a defect would."""


class Wire:
    """Alters what is sent and answered until the check ends."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def alter(self, exchange: Exchange) -> None:
        """Let ``exchange`` answer each request that an ``HttpClient`` sends from now on.

        It is called once for each request: a redirect that is followed is a request of its own.
        """
        before = PlatformAdapter.send

        def send(
            adapter: PlatformAdapter,
            request: requests.PreparedRequest,
            *arguments: Any,  # noqa: ANN401 - of requests' own adapter
            **options: Any,  # noqa: ANN401
        ) -> requests.Response:
            return exchange(
                request, lambda altered: before(adapter, altered, *arguments, **options)
            )

        self._monkeypatch.setattr(PlatformAdapter, "send", send)

    def route(self, url: str, handle: Callable[[Route], None]) -> None:
        """Let ``handle`` answer what browsers opened from now on request of an address.

        ``url`` is a pattern of ``BrowserContext.route``, such as ``**/self-service/settings*``.
        Of a chain of redirects Playwright hands over only the first request.
        """
        before = Chromium.new_context

        def new_context(chromium: Chromium, **options: Any) -> BrowserContext:  # noqa: ANN401
            context = before(chromium, **options)
            context.route(url, handle)
            return context

        self._monkeypatch.setattr(Chromium, "new_context", new_context)
