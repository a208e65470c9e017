"""Defects on the wire: what passes between the suite and the platform's ingress, altered.

For what no patch of a chart or of a source can break: Kratos and Hydra are built programs. The
client under the checks, ``services.ingress.HttpClient``, stays as it is; it gets the answers of a
platform with the defect.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests

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
        The answer that the client gets is one to its own request, also if another was sent. Of
        several, the last ``exchange`` gets the client's request first.
        """
        before = PlatformAdapter.send

        def send(
            adapter: PlatformAdapter,
            request: requests.PreparedRequest,
            *arguments: Any,  # noqa: ANN401 - of requests' own adapter
            **options: Any,  # noqa: ANN401
        ) -> requests.Response:
            answer = exchange(
                request, lambda altered: before(adapter, altered, *arguments, **options)
            )
            answer.request, answer.url = request, str(request.url)
            return answer

        self._monkeypatch.setattr(PlatformAdapter, "send", send)


def path_of(request: requests.PreparedRequest) -> str:
    """Return the path of the address that a request is for."""
    return urlsplit(str(request.url)).path


def query_of(request: requests.PreparedRequest) -> dict[str, str]:
    """Return the parameters in the address that a request is for."""
    return dict(parse_qsl(urlsplit(str(request.url)).query, keep_blank_values=True))


def form_of(request: requests.PreparedRequest) -> dict[str, str]:
    """Return the fields of the form that a request sends; empty if it sends none."""
    body = request.body or ""
    text = body.decode() if isinstance(body, bytes) else body
    return dict(parse_qsl(text, keep_blank_values=True))


def with_query(request: requests.PreparedRequest, /, **changes: str) -> requests.PreparedRequest:
    """Return a copy of a request with other values of some parameters in its address."""
    altered = request.copy()
    query = urlencode({**query_of(request), **changes})
    altered.url = urlsplit(str(request.url))._replace(query=query).geturl()
    return altered


def with_form(request: requests.PreparedRequest, /, **changes: str) -> requests.PreparedRequest:
    """Return a copy of a request with other values of some fields of its form."""
    altered = request.copy()
    altered.prepare_body({**form_of(request), **changes}, files=None)
    return altered


def answer_with(
    status: int, text: str = "", headers: Mapping[str, str] | None = None
) -> requests.Response:
    """Return an answer that the platform has not given."""
    answer = requests.Response()
    answer.status_code = status
    answer.headers.update(headers or {})
    answer.encoding = "utf-8"
    answer.raw = io.BytesIO(text.encode())
    return answer


def answered_again(key: Callable[[requests.PreparedRequest], str | None]) -> Exchange:
    """Answer each request as the first one that had the same key; without a key as it is."""
    first: dict[str, requests.Response] = {}

    def exchange(request: requests.PreparedRequest, send: Send) -> requests.Response:
        if (this := key(request)) is None:
            return send(request)
        if this not in first:
            first[this] = send(request)
        return first[this]

    return exchange
