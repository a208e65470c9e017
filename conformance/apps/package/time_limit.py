"""The time that one app may take on a cluster, so that the next one gets its turn."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class OutOfTime(AssertionError):
    """The time that one app may take is over."""


class TimeLimit:
    """The time that one app may take, whatever is waited for."""

    def __init__(self, minutes: float) -> None:
        self._minutes = minutes
        self._end = time.monotonic() + 60 * minutes

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Within the body none of it passes: what is waited for there is not of the app's doing."""
        began = time.monotonic()
        try:
            yield
        finally:
            self._end += time.monotonic() - began

    def at_most(self, seconds: float) -> float:
        """Return a time-out in seconds that the app's time allows. Raises ``OutOfTime``."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise self.over("")
        return min(seconds, left)

    @property
    def is_over(self) -> bool:
        """Whether the app has used up its time."""
        return time.monotonic() >= self._end

    def over(self, meanwhile: str) -> OutOfTime:
        """Return what to raise; ``meanwhile`` is what was waited for when the time was over."""
        return OutOfTime(
            f"the app has used up its {self._minutes:g} minutes (--time, with pytest --app-time)\n"
            f"  To do: see what it waits for, or give it more time\n{meanwhile}".rstrip()
        )
