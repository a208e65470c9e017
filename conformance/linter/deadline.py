"""A bound on time for what this process itself does with a package."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType


class TooLongError(BaseException):
    """Time is up. No Exception, so that no rule takes it for a trouble of its own."""


@contextlib.contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise TooLongError in the body when it takes longer than ``seconds``.

    Outside of the main thread, where Python has no signals, nothing ends the body.
    """
    try:
        before = signal.signal(signal.SIGALRM, _raise)
    except ValueError:
        yield
        return
    try:
        signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _raise(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001
    raise TooLongError
