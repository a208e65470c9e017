"""The node's PID 1 without its namespaces: order, readiness, reaping, and its end."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

RUN = """
import json, socket, sys
from conformance.clusters.embedded.init import Node
Node(socket.socket(fileno=int(sys.argv[1])), json.loads(sys.argv[2])).run()
"""


class Owner:
    def __init__(self, processes: list[dict[str, Any]], logs: Path) -> None:
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.channel.settimeout(10)
        plan = {"processes": processes, "path": "/usr/bin:/bin", "logs": str(logs)}
        with theirs:
            self.node = subprocess.Popen(
                [sys.executable, "-c", RUN, str(theirs.fileno()), json.dumps(plan)],
                pass_fds=[theirs.fileno()],
            )

    def hear(self) -> tuple[str, str]:
        event = json.loads(self.channel.recv(65536))
        return event["event"], event["process"]


def process(name: str, script: str, **more: Any) -> dict[str, Any]:
    argv = ["/bin/sh", "-c", script]
    return {"name": name, "argv": argv, "needs": [], "ready": {}, "env": {}, **more}


@pytest.fixture
def address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


def test_starts_each_process_once_what_it_needs_is_up(tmp_path: Path, address: str) -> None:
    script = (
        "import socket, time; "
        f"s = socket.create_server(('127.0.0.1', {address.split(':')[1]})); time.sleep(60)"
    )
    server = process("server", f'exec {sys.executable} -c "{script}"', ready={"tcp": address})
    owner = Owner([process("client", "sleep 60", needs=["server"]), server], logs=tmp_path / "logs")
    try:
        assert owner.hear() == ("ready", "server")
        assert owner.hear() == ("ready", "client")
    finally:
        owner.channel.close()
        assert owner.node.wait(10) == 0


def test_process_that_ends_is_told_with_its_status_and_log(tmp_path: Path) -> None:
    owner = Owner(
        [process("broken", "echo why it broke; exit 3", ready={"unix": "/nowhere"})], tmp_path
    )
    event = json.loads(owner.channel.recv(65536))
    assert (event["event"], event["process"], event["status"]) == ("exited", "broken", 3)
    assert (tmp_path / "broken.log").read_text() == "why it broke\n"
    assert json.loads((tmp_path / "exited").read_text()) == {"process": "broken", "status": 3}
    owner.channel.close()
    assert owner.node.wait(10) == 0


def test_what_is_told_of_an_end_is_replaced_and_never_rewritten(tmp_path: Path) -> None:
    waits = f"until test -e {tmp_path}/go; do sleep 0.02; done; exit 4"
    owner = Owner([process("first", "exit 3"), process("second", waits)], tmp_path)
    while owner.hear() != ("exited", "first"):
        pass
    with (tmp_path / "exited").open() as seen:
        (tmp_path / "go").touch()
        while owner.hear() != ("exited", "second"):
            pass
        assert json.load(seen) == {"process": "first", "status": 3}
    assert json.loads((tmp_path / "exited").read_text()) == {"process": "second", "status": 4}
    owner.channel.close()
    assert owner.node.wait(10) == 0


def test_ends_when_its_owner_s_end_of_the_channel_is_closed(tmp_path: Path) -> None:
    owner = Owner([process("one", "sleep 60")], tmp_path)
    assert owner.hear() == ("ready", "one")
    owner.channel.close()
    assert owner.node.wait(10) == 0
