"""Build commands that never outlive the run: stopped with it, killed with it."""

from __future__ import annotations

import contextlib
import functools
import os
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from conformance.common.errors import HarnessError

_TAIL = 15
"""Lines of output in an error message."""


class CommandFailedError(Exception):
    """A build command ended with an error; ``output`` is all it wrote."""

    def __init__(self, command: str, status: int, output: str) -> None:
        tail = "\n".join(output.splitlines()[-_TAIL:])
        super().__init__(f"{command} ended with status {status}\n{tail}")
        self.command = command
        self.status = status
        self.output = output


class StoppedError(Exception):
    """The run is ending: the command was killed, or not begun."""


class Runner:
    """Runs build commands; ``stop`` ends all of them and refuses new ones.

    ``niceness`` as of nice(1): with 10 they leave the processor to whoever else wants it.
    """

    def __init__(self, niceness: int = 0) -> None:
        self._niceness = niceness
        self._running: set[subprocess.Popen[str]] = set()
        self._guard = threading.Lock()
        self.stopped = threading.Event()

    def stop(self) -> None:
        """Kill what runs; every call of ``run``, current or later, raises StoppedError."""
        with self._guard:
            self.stopped.set()
            for process in self._running:
                process.kill()

    def hurry(self) -> None:
        """Let what runs now compete as this process itself does: somebody waits for it.

        Only root may; for others it stays as it is.
        """
        with self._guard, contextlib.suppress(OSError):
            for process in self._running:
                Path(f"/proc/{process.pid}/autogroup").write_text("0")
                os.setpriority(os.PRIO_PGRP, process.pid, os.nice(0))

    def run(
        self,
        argv: Sequence[str | Path],
        *,
        env: Mapping[str, str],
        cwd: Path | None = None,
        line: Callable[[str], None] = lambda _: None,
        mounts: bool = False,
    ) -> str:
        """Run a command to its end and return its output, both streams.

        It gets its own session and PID namespace, so that whatever way the run ends, Ctrl-C and
        SIGKILL included, the kernel kills all of it; with ``mounts`` (root only) its own mount
        namespace too. ``line`` is told each line as it comes. Raises CommandFailedError,
        StoppedError.
        """
        nice = ("nice", "-n", str(self._niceness)) if self._niceness else ()
        command = [*prison(mounts), *nice, *map(str, argv)]
        with self._guard:
            if self.stopped.is_set():
                raise StoppedError
            process = subprocess.Popen(
                command,
                env=dict(env),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
            )
            self._running.add(process)
        if self._niceness:
            # Between sessions the kernel compares their groups' niceness: sched(7), autogroup.
            with contextlib.suppress(OSError):
                Path(f"/proc/{process.pid}/autogroup").write_text(str(self._niceness))
        output: list[str] = []
        try:
            assert process.stdout  # noqa: S101 - said to Popen above
            for text in process.stdout:
                output.append(text)
                line(text.rstrip())
            status = process.wait()
        finally:
            self._end(process)
        if self.stopped.is_set():
            raise StoppedError
        if status:
            raise CommandFailedError(Path(argv[0]).name, status, "".join(output).rstrip())
        return "".join(output)

    def _end(self, process: subprocess.Popen[str]) -> None:
        """Kill what is left, and wait until every process that could write is gone."""
        process.kill()
        if process.stdout:
            with contextlib.suppress(ValueError):
                while process.stdout.read(65536):
                    continue
            process.stdout.close()
        process.wait()
        with self._guard:
            self._running.discard(process)


def prison(mounts: bool, network: bool = False) -> tuple[str, ...]:
    """Return the prefix that ties a command's life to ours (util-linux, on every Debian).

    The command gets a PID namespace of its own, with ``mounts`` and ``network`` (root only) those
    namespaces too.
    """
    if os.geteuid() == 0:
        extra = ("--mount", "--mount-proc") if mounts else ()
        net = ("--net",) if network else ()
        tied = ("setpriv", "--pdeathsig", "KILL", "unshare", "--pid", "--kill-child")
        return (*tied, *extra, *net, "--")
    if mounts or network:
        raise HarnessError(
            "root filesystems and images can only be built as root", "run the command as root"
        )
    return _user_prison()


@functools.cache
def _user_prison() -> tuple[str, ...]:
    """Without root a PID namespace needs a user namespace, which some hosts forbid."""
    first = ("setpriv", "--pdeathsig", "KILL")
    both = (*first, "unshare", "--map-current-user", "--pid", "--kill-child", "--")
    probe = subprocess.run([*both, "true"], check=False, capture_output=True)
    return both if probe.returncode == 0 else first
