"""Logs that say what is awaited only after it has happened."""

from __future__ import annotations

import threading
from collections.abc import Callable
from urllib.parse import parse_qs

import kube_wire as wire
import pytest

from conformance.apps.running import RunningImage
from conformance.kube.client import Kube
from conformance.kube.logs import wait_for_line
from conformance.kube.wait import WaitTimeout

ACCESS = b'10.0.0.1 - - "GET / HTTP/1.1" 200\n'


@pytest.fixture
def server(server: wire.WireServer) -> wire.WireServer:
    server.objects["pods"] = [wire.pod()]
    return server


def log(server: wire.WireServer, *streams: Callable[[wire.Handler], None]) -> list[str]:
    """Let the log of the pod be one stream after the other; returns the queries, as they come."""
    queries: list[str] = []

    def serve(handler: wire.Handler) -> bool:
        if not handler.where.endswith("/pods/web/log"):
            return False
        queries.append(handler.path.partition("?")[2])
        streams[min(len(queries), len(streams)) - 1](handler)
        return True

    server.intercept = serve
    return queries


def says(*chunks: bytes) -> Callable[[wire.Handler], None]:
    def stream(handler: wire.Handler) -> None:
        handler.start_stream()
        for chunk in chunks:
            handler.chunk(chunk)
        handler.wfile.write(b"0\r\n\r\n")

    return stream


def test_a_line_that_is_written_after_the_answer_is_waited_for(
    server: wire.WireServer, kube: Kube
) -> None:
    """A process that has answered the request, and logs it once somebody has read its log."""
    written = threading.Event()

    def late(handler: wire.Handler) -> None:
        if "follow" not in handler.query:
            handler.answer_text(200, "started\n")
            written.set()
            return
        handler.start_stream()
        handler.chunk(b"started\n")
        assert written.wait(20)
        handler.chunk(ACCESS)
        handler.wfile.write(b"0\r\n\r\n")

    log(server, late)
    assert "GET / " not in kube.logs("n", "web"), "there is no race in this test"
    RunningImage(kube, wire.pod()).wait_logged("GET / ", "/dev/stdout")


def test_a_log_file_is_followed_until_it_has_the_line(server: wire.WireServer, kube: Kube) -> None:
    run: list[list[str]] = []

    def serve(handler: wire.Handler) -> bool:
        if not handler.where.endswith("/exec"):
            return False
        run.append(parse_qs(handler.path.partition("?")[2])["command"])
        handler.accept_websocket("v5.channel.k8s.io")
        if run[-1][0] == "tail":
            handler.send_message(1, b"started\n")
            handler.send_message(1, ACCESS[:20])
            handler.send_message(1, ACCESS[20:])
            handler.read_message()  # goes on until the suite has seen enough
        return True

    server.intercept = serve
    RunningImage(kube, wire.pod()).wait_logged("GET / ", "/var/log/app.log")
    assert run[0][-1] == "/var/log/app.log"
    assert run[1][:2] == ["sh", "-c"], "the command is left running"


def test_the_log_is_followed_again_when_the_stream_ends(
    server: wire.WireServer, kube: Kube
) -> None:
    def not_yet(handler: wire.Handler) -> None:
        handler.fail(400, "BadRequest", "container is waiting to start")

    log(server, not_yet, says(b"first run\n"), says(b"second run\n", b"one two\n"))
    assert wait_for_line(kube, "n", "web", "two", "one", timeout=20) == "one two"


def test_a_time_out_says_what_was_awaited_and_how_the_log_ends(
    server: wire.WireServer, kube: Kube
) -> None:
    kube.redactor.learn_value("hunter2-hunter2")
    log(server, says(b"started\n", b"password hunter2-hunter2\n"))
    with pytest.raises(WaitTimeout) as error:
        wait_for_line(kube, "n", "web", "GET / ", timeout=0.3)
    text = str(error.value)
    assert "a line with 'GET / ' in the log of pod web in n" in text
    assert "started" in text
    assert "hunter2" not in text
