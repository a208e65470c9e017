"""PID 1 of the node: makes its file system and network, starts its processes, reaps, and ends.

It ends, and by that the kernel ends every process of the node, when the other end of its channel
is closed: that end belongs to the process that owns the cluster, so whatever way the owner ends,
its node ends with it.

The channel is a socket pair of datagrams, one JSON object each. To the owner: ``hello`` (the
kernel adds our process id as the owner sees it), ``ready``, ``exited``, ``failed``. From the
owner: ``go`` with the network's addresses once the node's end of the veth pair is here. Of a pipe
we have the other end, and nothing to say: whoever reads it sees when we have ended.
Standard library only, and little of it: all of this is in the node's start-up time.
"""

from __future__ import annotations

import contextlib
import encodings.idna  # noqa: F401 - loaded on first use, when Python is out of sight
import json
import os
import select
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conformance.clusters.sandbox import rootfs

POLL_SECONDS = 0.02
"""How often a starting process is asked whether it is up; nothing else would tell."""
PROBE_SECONDS = 1.0


class Node:
    """The node as its PID 1 sees it."""

    def __init__(self, channel: socket.socket, plan: Mapping[str, Any]) -> None:
        self._channel = channel
        self._logs = Path(plan["logs"])
        self._started_at = time.monotonic()
        self._waiting: list[dict[str, Any]] = list(plan["processes"])
        self._starting: list[dict[str, Any]] = []
        self._ready: set[str] = set()
        self._names: dict[int, str] = {}
        self._environment = {"PATH": plan["path"], "HOME": "/root", "LC_ALL": "C.UTF-8"}
        self._wakeup, writer = socket.socketpair()
        self._wakeup.setblocking(False)
        writer.setblocking(False)
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        self._writer = writer
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._trust: ssl.SSLContext | None = None

    def run(self) -> None:
        """Start the processes in order and return when the owner is gone."""
        self._logs.mkdir(parents=True, exist_ok=True)
        (self._logs / "exited").unlink(missing_ok=True)  # of the node's life before this one
        watched = select.poll()
        watched.register(self._channel, select.POLLIN | select.POLLHUP)
        watched.register(self._wakeup, select.POLLIN)
        while True:
            self._start_what_can()
            pause = POLL_SECONDS * 1000 if self._starting else None
            for descriptor, _ in watched.poll(pause):
                if descriptor == self._channel.fileno():
                    if not self._channel.recv(65536):
                        return
                else:
                    with contextlib.suppress(BlockingIOError):
                        self._wakeup.recv(4096)
                    self._reap()
            for process in [item for item in self._starting if self._is_up(item["ready"])]:
                self._starting.remove(process)
                self._is_ready(process["name"])

    def say(self, event: str, **details: object) -> None:
        """Tell the owner; it may have gone, or not be reading."""
        seconds = round(time.monotonic() - self._started_at, 3)
        message = json.dumps({"event": event, "seconds": seconds, **details}).encode()
        with contextlib.suppress(OSError):
            self._channel.send(message, socket.MSG_DONTWAIT)

    def _start_what_can(self) -> None:
        for process in list(self._waiting):
            if self._ready.issuperset(process["needs"]):
                self._waiting.remove(process)
                self._start(process)

    def _start(self, process: dict[str, Any]) -> None:
        log = str(self._logs / f"{process['name']}.log")
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        pid = os.posix_spawn(
            process["argv"][0],
            process["argv"],
            {**self._environment, **process["env"]},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, log, flags, 0o644),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
            setsigdef=[signal.SIGPIPE, signal.SIGCHLD],  # Python ignores SIGPIPE
        )
        self._names[pid] = process["name"]
        if process["ready"]:
            self._starting.append(process)
        else:
            self._is_ready(process["name"])

    def _is_ready(self, name: str) -> None:
        self._ready.add(name)
        self.say("ready", process=name)

    def _is_up(self, condition: Mapping[str, str]) -> bool:
        try:
            if "unix" in condition:
                with socket.socket(socket.AF_UNIX) as connection:
                    connection.connect(condition["unix"])
                return True
            address, _, path = condition.get("tcp", condition.get("https", "")).partition("/")
            host, port = address.rsplit(":", 1)
            with socket.create_connection((host, int(port)), PROBE_SECONDS) as connection:
                return not path or self._answers_ok(connection, host, path)
        except OSError:
            return False

    def _answers_ok(self, connection: socket.socket, host: str, path: str) -> bool:
        if self._trust is None:
            self._trust = ssl.create_default_context(cafile="/etc/kubernetes/pki/ca.crt")
        with self._trust.wrap_socket(connection, server_hostname=host) as secure:
            secure.sendall(f"GET /{path} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
            answer = secure.recv(4096)  # nothing, if the server ends at this moment
            return answer.split(b" ", 2)[1:2] == [b"200"]

    def _reap(self) -> None:
        """Bury every dead child: the node's own processes, and orphans that came to PID 1."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if name := self._names.pop(pid, None):
                self._starting = [item for item in self._starting if item["name"] != name]
                code = os.waitstatus_to_exitcode(status)
                self._note_end(json.dumps({"process": name, "status": code}))
                self.say("exited", process=name, status=code)

    def _note_end(self, what: str) -> None:
        """Keep it for whoever comes later; one who looks meanwhile sees it whole or not at all."""
        new = self._logs / "exited.new"
        with contextlib.suppress(OSError):
            new.write_text(what)
            new.replace(self._logs / "exited")


def set_up_network(
    address: str, gateway: str, device: str, egress: Mapping[str, str] | None = None
) -> None:
    """Give the node's end of the veth pair its address, and routes through the host's end.

    With ``egress``, the same of another device, through which it reaches what is not the host.
    """
    commands = f"link set lo up\naddr add {address} dev {device}\nlink set {device} up\n"
    if egress is not None:
        out, gateway = egress["device"], egress["gateway"]
        commands += f"addr add {egress['address']} dev {out}\nlink set {out} up\n"
    commands += f"route add default via {gateway}\n"
    subprocess.run(["ip", "-batch", "-"], input=commands.encode(), check=True, capture_output=True)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")


def masquerade(subnet: str) -> None:
    """Let the node's pods be seen outside as the node: it alone has a route there and back."""
    rule = f"POSTROUTING --source {subnet} ! --destination {subnet} --jump MASQUERADE"
    argv = ["iptables", "--wait", "--table", "nat", "--append", *rule.split()]
    subprocess.run(argv, check=True, capture_output=True)


def main() -> None:
    """Run the node described by the JSON file given first.

    The numbers of the channel and of our end of the pipe follow.
    """
    plan = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    channel = socket.socket(fileno=int(sys.argv[2]))
    for descriptor in (channel.fileno(), int(sys.argv[3])):
        os.set_inheritable(descriptor, False)
    node = Node(channel, plan)
    try:
        node.say("hello")
        socket.sethostname(plan["hostname"])
        rootfs.enter(Path(plan["disk"]), plan["parts"], host_programs=plan["host_programs"])
        os.environ["PATH"] = plan["path"]
        if not (message := channel.recv(65536)):
            return
        set_up_network(**json.loads(message)["network"])
        if pods := plan.get("pods"):
            masquerade(pods)
        node.run()
    except subprocess.CalledProcessError as error:
        node.say("failed", error=f"{error}: {error.stderr.decode(errors='replace').strip()}")
    except Exception as error:
        node.say("failed", error=f"{type(error).__name__}: {error}")
