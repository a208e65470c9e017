"""The monitor against a server that is told when to fail."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from conformance.common.load import Load
from conformance.common.soon import soon
from conformance.services import availability
from conformance.services.availability import AvailabilityMonitor, Outage


class Server(ThreadingHTTPServer):
    status = 200
    daemon_threads = True

    def before(self, timeout: float) -> bool:
        """Happens before each answer."""
        return timeout > 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.before(20)
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(availability, "PACE", 0.01)
    with Server(("127.0.0.1", 0), Handler) as made:
        threading.Thread(target=made.serve_forever, args=(0.05,), daemon=True).start()
        yield made
        made.shutdown()


def test_no_outage_while_every_request_is_answered(server: Server) -> None:
    with requests.Session() as session, AvailabilityMonitor(session, server.url) as visitor:
        visitor.wait_answer(5)
    assert visitor.outages == []
    assert visitor.outage_seconds == 0
    assert "each answered" in visitor.summary()


def test_outage_begins_with_the_first_failure_and_ends_with_the_next_answer(
    server: Server,
) -> None:
    with requests.Session() as session, AvailabilityMonitor(session, server.url) as visitor:
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


def test_an_outage_says_how_busy_the_machine_was(server: Server) -> None:
    server.status = 503
    with requests.Session() as session, AvailabilityMonitor(session, server.url) as visitor:
        with pytest.raises(AssertionError, match=r"HTTP 503; CPU \w+ \d+ %, load average"):
            visitor.wait_answer(0.3)
        assert re.search(r"\(HTTP 503; CPU \w+ \d+ %, load average [\d.]+\)", visitor.summary())
        assert visitor.load.name == visitor.outages[-1].load.name


IDLE = Load("CPU pressure", 3.0, 0.1, 2)
BUSY = Load("CPU pressure", 93.0, 4.9, 2)


def outage(began: float, seconds: float, *, slow: bool = True) -> Outage:
    problem = "ReadTimeout" if slow else "HTTP 503"
    return Outage(began, seconds, problem, over=True, slow=slow, load=BUSY if slow else IDLE)


@pytest.mark.parametrize(
    ("own", "of_control", "excused"),
    [
        (outage(10, 6), [outage(8, 7)], True),
        (outage(10, 6), [], False),
        (outage(10, 6), [outage(30, 7)], False),  # at another time
        (outage(10, 60), [outage(8, 7)], False),  # for much longer
        (outage(10, 6, slow=False), [outage(8, 7)], False),  # refused, not late
        (outage(10, 6), [outage(8, 7, slow=False)], False),
    ],
)
def test_only_what_was_late_with_the_control_is_the_machines(
    own: Outage, of_control: list[Outage], excused: bool
) -> None:
    with requests.Session() as session:
        visitor, control = (
            AvailabilityMonitor(session, "http://a/"),
            AvailabilityMonitor(session, "http://b/"),
        )
    visitor._outages, control._outages = [own], of_control
    assert visitor.own_outages(control) == ([] if excused else [own])


@pytest.mark.parametrize(
    ("seconds", "average", "excused"),
    [(5.0, 23.7, True), (5.0, 33.6, True), (5.0, 4.9, False), (15.0, 33.6, False)],
)
def test_an_answer_that_is_late_on_a_starved_machine_is_no_outage(
    seconds: float, average: float, excused: bool
) -> None:
    """The first two are as measured, while a control answered."""
    with requests.Session() as session:
        visitor, control = (AvailabilityMonitor(session, f"http://{one}/") for one in "ab")
    load = Load("CPU pressure", 97.0, average, 2)
    late = Outage(10, seconds, "ReadTimeout", over=True, slow=True, load=load)
    refused = replace(late, problem="HTTP 503", slow=False)
    visitor._outages = [late, refused]
    assert visitor.own_outages(control) == ([refused] if excused else [late, refused])


def test_an_answer_that_is_only_late_is_told_from_a_refusal(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(availability, "PATIENCE", 0.1)
    answer = threading.Event()
    server.before = answer.wait
    with requests.Session() as session, AvailabilityMonitor(session, server.url) as visitor:
        with pytest.raises(AssertionError, match="ReadTimeout"):
            visitor.wait_answer(0.5)
        assert visitor.outages[-1].slow
        server.status = 503
        answer.set()
        with pytest.raises(AssertionError):
            visitor.wait_answer(0.5)
        assert not visitor.outages[-1].slow


def test_a_server_that_is_gone_is_an_outage() -> None:
    with (
        requests.Session() as session,
        AvailabilityMonitor(session, "http://127.0.0.1:9/") as visitor,
    ):
        assert soon(lambda: bool(visitor.outages), within=60)
        with pytest.raises(AssertionError, match="ConnectionError"):
            visitor.wait_answer(0.1)
    assert visitor.outage_seconds > 0
