"""The body of an answer, which may be large, slow or without end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import requests

_MOST_BYTES = 256 * 1024**2


class AnswerBody:
    """Stands for the ``raw`` of an answer; gives what has come at once, not when a piece is full.

    A time-out between two bytes does not end an app that sends one every second.
    """

    def __init__(self, raw: Any, seconds: float | None) -> None:  # noqa: ANN401 - as requests has it
        """``seconds`` in which it has to end, and then with a bound on its size; None: whoever
        reads it sees to that.
        """
        self._raw = raw
        self._seconds = seconds
        self._end = None if seconds is None else time.monotonic() + seconds

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the raw answer has
        return getattr(self._raw, name)

    def stream(self, amt: int, decode_content: bool = True) -> Iterator[bytes]:
        """Yield the body in pieces. Raises ``requests.RequestException`` at a bound."""
        size = 0
        while piece := self._raw.read1(amt, decode_content):
            yield piece
            size += len(piece)
            if self._end is not None and time.monotonic() > self._end:
                raise requests.RequestException(f"its answer did not end in {self._seconds:g} s")
            if self._end is not None and size > _MOST_BYTES:
                raise requests.RequestException(f"its answer has more than {_MOST_BYTES} bytes")
