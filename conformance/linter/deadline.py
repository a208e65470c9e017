"""A bound on time for what this process itself does with a package."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType


class TooLongError(BaseException):
    """Time is up. No Exception, so that no rule takes it for a trouble of its own."""


@dataclass(frozen=True)
class Clock:
    """What time is measured by."""

    signal: signal.Signals
    timer: int


WALL = Clock(signal.SIGALRM, signal.ITIMER_REAL)
"""For what waits for others."""
CPU = Clock(signal.SIGPROF, signal.ITIMER_PROF)
"""For what computes: a busy machine takes longer, and that is no package's fault."""
_set: set[Clock] = set()
"""Whose alarms raise TooLongError already."""


@contextlib.contextmanager
def at_most(seconds: float, clock: Clock = WALL) -> Iterator[None]:
    """Raise TooLongError in the body when it takes longer than ``seconds``.

    Outside of the main thread, where Python has no signals, nothing ends the body.
    """
    with alarmed(clock) as able:
        if not able:
            yield
            return
        try:
            signal.setitimer(clock.timer, max(seconds, 0.001))
            yield
        finally:
            signal.setitimer(clock.timer, 0)


@contextlib.contextmanager
def alarmed(clock: Clock) -> Iterator[bool]:
    """Have a clock's alarms raise TooLongError, so that each ``at_most`` in the body costs little.

    What it yields is whether there are alarms here.
    """
    if clock in _set:
        yield threading.current_thread() is threading.main_thread()
        return
    try:
        before = signal.signal(clock.signal, _raise)
    except ValueError:
        yield False
        return
    _set.add(clock)
    try:
        yield True
    finally:
        _set.discard(clock)
        signal.signal(clock.signal, before)


class Budget:
    """The CPU time that several pieces of this process's work may take together."""

    def __init__(self, seconds: float) -> None:
        self._left = seconds

    @contextlib.contextmanager
    def spending(self) -> Iterator[None]:
        """Raise TooLongError in the body when no time is left."""
        before = time.process_time()
        try:
            with at_most(self._left, CPU):
                yield
        finally:
            self._left -= time.process_time() - before


def _raise(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001
    raise TooLongError
