"""The prober against a server that is told when to fail."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from conformance.services import prober
from conformance.services.prober import Prober


class Server(ThreadingHTTPServer):
    status = 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(prober, "PACE", 0.01)
    with Server(("127.0.0.1", 0), Handler) as made:
        threading.Thread(target=made.serve_forever, args=(0.05,), daemon=True).start()
        yield made
        made.shutdown()


def test_no_outage_while_every_request_is_answered(server: Server) -> None:
    with requests.Session() as session, Prober(session, server.url) as visitor:
        visitor.wait_answer(5)
    assert visitor.outages == []
    assert visitor.outage_seconds == 0
    assert "each answered" in visitor.summary()


def test_outage_begins_with_the_first_failure_and_ends_with_the_next_answer(
    server: Server,
) -> None:
    with requests.Session() as session, Prober(session, server.url) as visitor:
        visitor.wait_answer(5)
        server.status = 503
        with pytest.raises(AssertionError, match=r"did not answer for 0 s: HTTP 503"):
            visitor.wait_answer(0.3)
        assert not visitor.outages[-1].over
        server.status = 200
        visitor.wait_answer(5)
    [outage] = visitor.outages
    assert outage.over
    assert outage.problem == "HTTP 503"
    assert outage.seconds > 0


def test_a_server_that_is_gone_is_an_outage() -> None:
    with (
        requests.Session() as session,
        Prober(session, "http://127.0.0.1:9/") as visitor,
        pytest.raises(AssertionError, match="ConnectionError"),
    ):
        visitor.wait_answer(0.3)
    assert visitor.outage_seconds > 0
