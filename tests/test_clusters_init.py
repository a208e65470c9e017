"""The node's PID 1 without its namespaces: order, readiness, reaping, and its end."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.clusters.embedded.pki import Authority

RUN = """
import json, socket, ssl, sys
from conformance.clusters.sandbox.init import Node
node = Node(socket.socket(fileno=int(sys.argv[1])), json.loads(sys.argv[2]))
node._trust = ssl.create_default_context(cafile=sys.argv[3] or None)
node.run()
"""


class Owner:
    def __init__(self, processes: list[dict[str, Any]], logs: Path, trust: str = "") -> None:
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.channel.settimeout(10)
        plan = {"processes": processes, "path": "/usr/bin:/bin", "logs": str(logs)}
        with theirs:
            self.node = subprocess.Popen(
                [sys.executable, "-c", RUN, str(theirs.fileno()), json.dumps(plan), trust],
                pass_fds=[theirs.fileno()],
            )

    def hear(self) -> tuple[str, str]:
        event = json.loads(self.channel.recv(65536))
        return event["event"], event["process"]


def process(name: str, script: str, **more: Any) -> dict[str, Any]:
    argv = ["/bin/sh", "-c", script]
    return {"name": name, "argv": argv, "needs": [], "ready": {}, "env": {}, **more}


@pytest.fixture
def address() -> Iterator[str]:
    """Kept for the server that a test starts: nobody else gets the port meanwhile."""
    with socket.socket() as kept:
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        kept.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{kept.getsockname()[1]}"


def test_starts_each_process_once_what_it_needs_is_up(tmp_path: Path, address: str) -> None:
    script = (
        "import socket, time; "
        f"s = socket.create_server(('127.0.0.1', {address.split(':')[1]}), reuse_port=True); "
        "time.sleep(60)"
    )
    server = process("server", f'exec {sys.executable} -c "{script}"', ready={"tcp": address})
    owner = Owner([process("client", "sleep 60", needs=["server"]), server], logs=tmp_path / "logs")
    try:
        assert owner.hear() == ("ready", "server")
        assert owner.hear() == ("ready", "client")
    finally:
        owner.channel.close()
        assert owner.node.wait(10) == 0


def test_server_that_ends_at_a_question_is_asked_again(tmp_path: Path) -> None:
    Authority(tmp_path, "ca").issue("server", "server", serves=["127.0.0.1"])
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    answers = [b"", b"HTTP/1.0", b"HTTP/1.0 500 No\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\n"]
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for answer in answers:
            with tls.wrap_socket(server.accept()[0], server_side=True) as connection:
                connection.recv(4096)
                connection.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()
    where = f"127.0.0.1:{server.getsockname()[1]}/readyz"
    asked = process("asked", "sleep 60", ready={"https": where})
    with server:
        owner = Owner([asked], tmp_path, str(tmp_path / "ca.crt"))
        assert owner.hear() == ("ready", "asked")
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
