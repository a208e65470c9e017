"""Processes of the host, told apart by id and start time, because ids are used again."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class HostProcess:
    """A process that may have ended meanwhile."""

    pid: int
    start_time: int
    """In clock ticks since boot; see proc(5), /proc/pid/stat, field 22."""

    @classmethod
    def of(cls, pid: int) -> HostProcess:
        """Return the process that has this id now. Raises ProcessLookupError."""
        return cls(pid, _start_time(pid))

    @property
    def alive(self) -> bool:
        """Whether it still runs (a zombie does not)."""
        try:
            return _start_time(self.pid) == self.start_time
        except ProcessLookupError:
            return False

    def child(self, name: str) -> HostProcess | None:
        """Return the child that runs the program ``name`` (its first 15 characters)."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        with contextlib.suppress(OSError):
            for pid in map(int, children.read_text(encoding="utf-8").split()):
                with contextlib.suppress(OSError):
                    if Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip() == name:
                        return self.of(pid)
        return None

    def kill(self, timeout: float = 10.0) -> bool:
        """SIGKILL it and wait until it is gone; False if it is not within ``timeout`` seconds.

        For the first process of a PID namespace, gone means that all others of it are too.
        """
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return True
        try:
            if not self.alive:
                return True
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            return bool(select.select([handle], [], [], timeout)[0])
        except ProcessLookupError:
            return True
        finally:
            os.close(handle)


def _start_time(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        raise ProcessLookupError(pid) from None
    if fields[0] in "ZX":
        raise ProcessLookupError(pid)
    return int(fields[19])
