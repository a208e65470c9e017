"""Commands in containers: binary both ways, with exit status, end of input and a time-out."""

from __future__ import annotations

import contextlib
import json
import select
import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass

from conformance.common.errors import HarnessError
from conformance.common.transcript import record
from conformance.kube.client import Kube
from conformance.kube.errors import ApiError, Unreachable
from conformance.kube.transport import Transport
from conformance.kube.websockets import ChannelSocket

_STDIN, _STDOUT, _STDERR, _ERROR, _CLOSE = 0, 1, 2, 3, 255
_V5 = "v5.channel.k8s.io"
"""Version 5 alone can say that a channel ends; Kubernetes >= 1.29 speaks it."""
_V4 = "v4.channel.k8s.io"
_CHUNK = 32768
_TAIL = 4000
"""Characters of output that an error quotes."""

_KILL_TIMEOUT = 5.0
_KILL = r"""
for process in /proc/[0-9]*; do
  [ "$(tr -d '\0' < $process/cmdline)" = "$1" ] || continue
  read -r line < $process/stat
  set -- "$1" ${line##*) }
  [ "$3" = 0 ] && leader=${process#/proc/}
done 2>/dev/null
[ -n "$leader" ] || exit 0
for process in /proc/[0-9]*; do
  read -r line < $process/stat
  set -- ${line##*) }
  [ "$4" = "$leader" ] && kill -9 ${process#/proc/}
done 2>/dev/null
exit 0
"""
"""Kills the session whose leader came from outside the container (parent 0) with this command."""


class CommandFailed(AssertionError):
    """A command in a container ended with a non-zero exit status."""


class CommandTimeout(CommandFailed):
    """A command in a container did not end in time."""


@dataclass(frozen=True)
class ExecResult:
    """What a command left behind."""

    argv: tuple[str, ...]
    stdout: bytes
    stderr: bytes
    exit_code: int

    @property
    def text(self) -> str:
        """Standard output, decoded, without white space at the ends."""
        return self.stdout.decode(errors="replace").strip()

    def check(self) -> ExecResult:
        """Return self. Raises ``CommandFailed`` with command, exit status and standard error."""
        if self.exit_code != 0:
            raise CommandFailed(
                f"{shlex.join(self.argv)}\n  ended with exit status {self.exit_code}\n"
                + _quote(self.stdout, self.stderr)
            )
        return self


def execute(
    kube: Kube,
    namespace: str,
    pod: str,
    argv: Sequence[str],
    *,
    container: str | None = None,
    stdin: bytes | None = None,
    timeout: float | None = None,
    until: bytes | None = None,
) -> ExecResult:
    """Run ``argv`` (no shell) in a container to its end; does not raise on its exit status.

    With ``until`` a command that goes on, such as ``tail -F``, is killed as soon as its output has
    these bytes in it, and its exit status is 0.
    Raises ``CommandTimeout`` after ``timeout`` seconds (by default the client's for a command) with
    the output so far, when the command has been killed (where the container has a shell to do it:
    the runtime lets it run on);
    ``ApiError`` where it could not be started; ``Unreachable`` where the connection broke;
    ``HarnessError`` for ``stdin`` on a cluster that cannot end a stream (older than 1.29).
    The API server withholds the exit status of a command that leaves megabytes of input unread.
    """
    transport = kube.transport
    timeout = kube.timeouts.command if timeout is None else timeout
    path = kube.discovery.find("v1", "Pod").path(namespace, pod) + "/exec"
    asked = f"exec {namespace}/{pod}: {shlex.join(argv)}"
    try:
        result = _run(transport, path, argv, container, stdin, timeout, until)
    except CommandTimeout:
        record(asked, f"nothing within {timeout:g} s")
        _kill(transport, path, argv, container)
        raise
    record(asked, f"exit status {result.exit_code}, {len(result.stdout)} bytes")
    if until is not None and until in result.stdout:
        _kill(transport, path, argv, container)
    return result


def _kill(transport: Transport, path: str, argv: Sequence[str], container: str | None) -> None:
    killer = ("sh", "-c", _KILL, "sh", "".join(argv).rstrip("\n"))
    with contextlib.suppress(ApiError, HarnessError, CommandTimeout):
        _run(transport, path, killer, container, None, _KILL_TIMEOUT, None)


def _run(
    transport: Transport,
    path: str,
    argv: Sequence[str],
    container: str | None,
    stdin: bytes | None,
    timeout: float,
    until: bytes | None,
) -> ExecResult:
    deadline = time.monotonic() + timeout
    query = [("command", part) for part in argv]
    query += [("stdout", "true"), ("stderr", "true")]
    if stdin is not None:
        query.append(("stdin", "true"))
    if container is not None:
        query.append(("container", container))
    received: dict[int, list[bytes]] = {_STDOUT: [], _STDERR: [], _ERROR: []}
    with ChannelSocket(transport, path, query, (_V5, _V4), timeout) as channels:
        if stdin is not None and channels.protocol != _V5:
            raise HarnessError(
                f"The cluster cannot tell a command the end of its input (speaks"
                f" {channels.protocol or 'no known protocol'}, not {_V5})",
                "Use a cluster of Kubernetes 1.29 or newer.",
            )
        pending = memoryview(stdin or b"")
        at_end = stdin is None
        poll = select.poll()
        while channels.open:
            if not channels.outgoing:
                if pending:
                    channels.send(_STDIN, bytes(pending[:_CHUNK]))
                    pending = pending[_CHUNK:]
                elif not at_end:
                    channels.send(_CLOSE, bytes((_STDIN,)))
                    at_end = True
            poll.register(channels, select.POLLIN | (select.POLLOUT if channels.outgoing else 0))
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                quoted = _quote(b"".join(received[_STDOUT]), b"".join(received[_STDERR]))
                awaited = f" without {until.decode(errors='replace')!r}" if until else ""
                raise CommandTimeout(
                    f"{shlex.join(argv)}\n  ran longer than {timeout} s{awaited}\n{quoted}"
                )
            poll.poll(remaining * 1000)
            channels.flush()
            for channel, data in channels.receive():
                if channel in received:
                    received[channel].append(data)
            if until is not None and until in (output := b"".join(received[_STDOUT])):
                return ExecResult(tuple(argv), output, b"".join(received[_STDERR]), 0)
    stdout, stderr, error = (b"".join(received[key]) for key in (_STDOUT, _STDERR, _ERROR))
    if not error:
        raise Unreachable(
            f"The connection ended before {shlex.join(argv)} did\n{_quote(stdout, stderr)}",
            "See whether the pod or the node was stopped meanwhile.",
        )
    return ExecResult(tuple(argv), stdout, stderr, _exit_code(path, json.loads(error)))


def _exit_code(path: str, status: dict[str, object]) -> int:
    if status.get("status") == "Success":
        return 0
    details = status.get("details")
    for cause in (details.get("causes") or ()) if isinstance(details, dict) else ():
        if cause.get("reason") == "ExitCode":
            return int(cause["message"])
    message = str(status.get("message") or status)
    raise ApiError(f"EXEC {path}", 500, str(status.get("reason", "")), message)


def _quote(stdout: bytes, stderr: bytes) -> str:
    parts = []
    for name, data in (("standard error", stderr), ("standard output", stdout)):
        if text := data[-_TAIL:].decode(errors="replace").strip():
            parts.append(f"  {name}:\n    " + text.replace("\n", "\n    "))
    return "\n".join(parts) or "  without any output"
