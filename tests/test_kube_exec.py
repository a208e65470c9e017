"""Commands in containers, over the WebSocket that kube-apiserver speaks."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable

import kube_wire as wire
import pytest

from conformance.common.errors import HarnessError
from conformance.kube.client import Kube
from conformance.kube.errors import ApiError, NotFound, Unreachable
from conformance.kube.execution import CommandFailed, CommandTimeout, execute

SUCCESS = json.dumps({"metadata": {}, "status": "Success"}).encode()
CLOSE_STDIN = (255, b"\x00")


def exited(status: int) -> bytes:
    cause = {"reason": "ExitCode", "message": str(status)}
    failure = {"status": "Failure", "reason": "NonZeroExitCode", "details": {"causes": [cause]}}
    return json.dumps(failure).encode()


def behave(
    server: wire.WireServer,
    command: Callable[[wire.Handler], None],
    protocol: str = "v5.channel.k8s.io",
) -> None:
    def serve(handler: wire.Handler) -> bool:
        if not handler.where.endswith("/exec"):
            return False
        handler.accept_websocket(protocol)
        command(handler)
        return True

    server.intercept = serve


def finish(handler: wire.Handler, status: bytes) -> None:
    handler.send_message(3, status)
    handler.send_message(0, b"\x03\xe8", opcode=8)


def test_output_and_exit_status(server: wire.WireServer, kube: Kube):
    def command(handler: wire.Handler) -> None:
        handler.send_message(0, b"still there?", opcode=9)
        handler.send_message(1, b"\xff\x00out\n")
        handler.send_message(2, b"no such file\n")
        finish(handler, exited(3))

    behave(server, command)
    result = execute(kube, "n", "web", ["cat", "a b"])
    assert (result.stdout, result.stderr, result.exit_code) == (
        b"\xff\x00out\n",
        b"no such file\n",
        3,
    )
    with pytest.raises(CommandFailed, match=r"(?s)cat 'a b'.*exit status 3.*no such file"):
        result.check()


def test_megabytes_both_ways_at_once_with_an_end(server: wire.WireServer, kube: Kube):
    def echo(handler: wire.Handler) -> None:
        while (message := handler.read_message()) != CLOSE_STDIN:
            handler.send_message(1, message[1])
        finish(handler, SUCCESS)

    behave(server, echo)
    data = os.urandom(5_000_000)
    assert execute(kube, "n", "web", ["cat"], stdin=data).check().stdout == data
    assert execute(kube, "n", "web", ["cat"], stdin=b"").check().stdout == b""


def test_a_command_that_takes_too_long_is_killed(server: wire.WireServer, kube: Kube):
    commands: list[str] = []

    def hang(handler: wire.Handler) -> None:
        commands.append(handler.query["command"])
        if len(commands) == 1:
            handler.send_message(1, b"started\n")
            handler.read_message()
        else:
            finish(handler, SUCCESS)

    behave(server, hang)
    started = time.monotonic()
    with pytest.raises(CommandTimeout, match=r"(?s)sleep 9\n.*longer than 2 s.*started"):
        execute(kube, "n", "web", ["sleep", "9"], timeout=2)
    assert time.monotonic() - started < 10
    assert commands == ["9", "sleep9"]  # the killer's last argument is what it looks for


def test_what_could_not_run_is_no_exit_status(server: wire.WireServer, kube: Kube):
    failure = {"status": "Failure", "reason": "InternalError", "message": '"nope": not found'}
    behave(server, lambda handler: finish(handler, json.dumps(failure).encode()))
    with pytest.raises(ApiError, match='"nope": not found'):
        execute(kube, "n", "web", ["nope"])
    behave(server, lambda handler: handler.send_message(1, b"cut short"))
    with pytest.raises(Unreachable, match=r"(?s)ended before nope did.*cut short"):
        execute(kube, "n", "web", ["nope"])


def test_input_that_could_not_end_is_refused(server: wire.WireServer, kube: Kube):
    behave(server, lambda handler: finish(handler, SUCCESS), "v4.channel.k8s.io")
    assert execute(kube, "n", "web", ["true"]).exit_code == 0
    with pytest.raises(HarnessError, match=r"Kubernetes 1\.29"):
        execute(kube, "n", "web", ["cat"], stdin=b"x")


def test_a_pod_that_is_not_there(server: wire.WireServer, kube: Kube):
    def refuse(handler: wire.Handler) -> bool:
        if handler.where.endswith("/exec"):
            handler.fail(404, "NotFound", 'pods "web" not found')
            return True
        return False

    server.intercept = refuse
    with pytest.raises(NotFound, match='pods "web" not found'):
        execute(kube, "n", "web", ["true"])
