"""A file lock that says who holds it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Holder:
    """Who holds a lock."""

    pid: int
    purpose: str
    since: float
    """Seconds since the epoch."""

    def __str__(self) -> str:
        who = "this run" if self.pid == os.getpid() else f"process {self.pid}"
        return (
            f"{who} ({self.purpose} since {time.strftime('%H:%M:%S', time.localtime(self.since))})"
        )


Waiting = Callable[[Holder | None], None]
"""Called once when the lock is another's; None when it is not known whose."""


@contextlib.contextmanager
def locked(path: Path, purpose: str, waiting: Waiting) -> Iterator[None]:
    """Hold the lock ``path`` against threads and processes; the kernel frees it on any death."""
    with _opened(path) as descriptor:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting(_holder(descriptor))
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        text = json.dumps(asdict(Holder(os.getpid(), purpose, time.time())))
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, text.encode(), 0)
        yield


@contextlib.contextmanager
def shared(path: Path) -> Iterator[None]:
    """Hold the lock ``path`` beside others who do so; wait for who has it with ``alone``."""
    with _opened(path) as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield


@contextlib.contextmanager
def alone(path: Path) -> Iterator[bool]:
    """Hold the lock ``path`` if nobody else does, and yield whether that is so; never wait."""
    with _opened(path) as descriptor:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _holder(descriptor: int) -> Holder | None:
    with contextlib.suppress(ValueError, TypeError):
        return Holder(**json.loads(os.pread(descriptor, 4096, 0)))
    return None
