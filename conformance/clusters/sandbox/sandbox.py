"""A running node seen from its owner: started, spoken to over its channel, ended."""

from __future__ import annotations

import array
import json
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conformance.clusters.sandbox.host_process import HostProcess
from conformance.clusters.sandbox.log_tail import log_tail
from conformance.common.errors import HarnessError
from conformance.common.settings import PROJECT_ROOT

UNSHARE = ("unshare", "--net", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child")
# -I -S: none of the environment's packages and hooks, which take longer than all of init's work.
_INIT = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); "
    "from conformance.clusters.sandbox.init import main; main()"
)
HELLO_SECONDS = 20.0
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Sandbox:
    """The owner's end of a node. ``channel`` open is what keeps the node alive.

    ``ended`` is the end of a pipe that PID 1 has the other end of: closed there, it has ended.
    """

    def __init__(self, plan: Path, log: Path) -> None:
        """Start PID 1, which waits for its network. ``log`` takes what it and unshare print."""
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.channel.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.ended, alive = os.pipe()
        self._log = log
        with theirs, log.open("ab") as output:
            self._process = subprocess.Popen(
                [
                    *UNSHARE,
                    sys.executable,
                    *("-I", "-S", "-c", _INIT, str(PROJECT_ROOT), str(plan)),
                    *(str(theirs.fileno()), str(alive)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=[theirs.fileno(), alive],
                start_new_session=True,  # Ctrl-C is for the owner, who then takes the node down
                cwd="/",
            )
        os.close(alive)

    def hello(self) -> HostProcess:
        """Return the node's PID 1 as a process of the host, once it says hello."""
        self.channel.settimeout(HELLO_SECONDS)
        try:
            message, credentials, _, _ = self.channel.recvmsg(
                65536, socket.CMSG_SPACE(struct.calcsize("3i"))
            )
        except TimeoutError:
            self._process.kill()  # and with it what it has started
            raise self._did_not_start(f"it did not answer within {HELLO_SECONDS:g} s") from None
        self.channel.settimeout(None)
        for level, kind, data in credentials:
            if message and (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
                return HostProcess.of(struct.unpack("3i", data)[0])
        self._process.wait()
        raise self._did_not_start("it ended")

    def go(self, network: Mapping[str, Any]) -> None:
        """Let the node start its processes: its end of the veth pair is there."""
        self.channel.send(json.dumps({"network": network}).encode())

    def event(self, timeout: float | None = None) -> dict[str, Any]:
        """Return the node's next event; ``{"event": "gone"}`` once its PID 1 has ended.

        ``{"event": "none"}`` after ``timeout`` seconds without one.
        """
        self.channel.settimeout(timeout)
        try:
            message = self.channel.recv(65536)
        except ConnectionResetError:
            message = b""
        except TimeoutError:
            message = b'{"event": "none"}'
        finally:
            self.channel.settimeout(None)
        event: dict[str, Any] = json.loads(message or b'{"event": "gone"}')
        return event

    def _did_not_start(self, reason: str) -> HarnessError:
        return HarnessError(
            f"the node did not start, {reason}; the end of {self._log}:\n{log_tail(self._log)}",
            "run `stackspin-conformance doctor`, which says what this host lacks",
        )

    def close(self) -> None:
        """Let go of the node, which ends by that unless somebody else holds the channel."""
        self.channel.close()
        self._forget_end()

    def wait(self) -> None:
        """Wait until the node is gone; it must have been killed or let go."""
        self._process.wait()

    def hand_over(self, holder: socket.socket) -> None:
        """Give the channel to a holder process, which keeps the node alive from now on."""
        give(holder, self.channel)
        self.channel.close()
        self._forget_end()

    def _forget_end(self) -> None:
        if self.ended >= 0:
            os.close(self.ended)
            self.ended = -1


def give(holder: socket.socket, what: socket.socket) -> None:
    """Give a holder process what to hold; returns when it has it."""
    rights = array.array("i", [what.fileno()]).tobytes()
    holder.sendmsg([b"c"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
    holder.recv(1)


def enter_command(init: HostProcess, path: str = SYSTEM_PATH) -> list[str]:
    """Return the words before a command that make it run in the namespaces of this PID 1."""
    return [
        *("nsenter", f"--target={init.pid}"),
        *("--net", "--mount", "--pid", "--uts", "--ipc", "--wd", "--"),
        *("env", "-i", f"PATH={path}", "HOME=/root", "LC_ALL=C.UTF-8"),
    ]
