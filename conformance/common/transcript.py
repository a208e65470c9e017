"""What a check asks of the platform and what it is answered, in order: evidence of what was seen.

The clients of ``kube``, ``oci`` and ``services`` record each exchange; nothing is kept unless
somebody has begun a transcript in the same thread. Bodies and the values of parameters are left
out: a transcript says what happened, and holds no secret that somebody could have answered with.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar
from urllib.parse import parse_qsl, urlsplit

Result = TypeVar("Result")

_CURRENT = threading.local()
"""No context variable: Playwright calls back in greenlets, which have contexts of their own."""
_LINES = 80
_LINES_BEFORE = 40
_BEFORE = "Before, for several checks, or in the background:"
_THEN = "This check:"
_WIDTH = 300
"""Characters of a line."""
_MOST = 5000


class Transcript:
    """The exchanges of one check. Thread-safe."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._lines: list[tuple[float, str, int]] = []
        """When it was asked, by ``time.monotonic``; what; and how many times."""
        self._before: list[Transcript] = []
        self._left_out = 0
        self._lock = threading.Lock()

    def add(self, asked: str, answered: str) -> None:
        """Keep one exchange; one that is the same as the last is only counted."""
        line = f"{asked} → {answered}"
        with self._lock:
            if self._lines and self._lines[-1][1] == line:
                at, _, times = self._lines[-1]
                self._lines[-1] = (at, line, times + 1)
            elif len(self._lines) < _MOST:
                self._lines.append((time.monotonic(), line, 1))
            else:
                self._left_out += 1

    def since(self, moment: float) -> Transcript:
        """Return what was kept from a moment of ``time.monotonic`` on, as a transcript of it."""
        part = Transcript()
        part._began = moment
        with self._lock:
            part._lines = [line for line in self._lines if line[0] >= moment]
            part._before = [*self._before]
        return part

    def rest_on(self, other: Transcript) -> None:
        """Say that what is asked here stands on what was asked there, and on what that stood on."""
        for one in (other, *other._before):
            if one is not self and one not in self._before:
                self._before.append(one)

    def text(self, redact: Callable[[str], str]) -> str:
        """Return a line an exchange, with the seconds since the beginning; empty if there is none.

        What it rests on comes first, in negative seconds if it was before. Of too many lines, the
        first and the last are there. A line is redacted before it is cut: half a secret would no
        longer be known as one.
        """
        own = self._shown([self], redact, _LINES)
        before = self._shown(self._before, redact, _LINES_BEFORE)
        return f"{_BEFORE}\n{before}\n{_THEN}\n{own}" if before else own

    def _shown(self, parts: Sequence[Transcript], redact: Callable[[str], str], most: int) -> str:
        lines, left_out = list[tuple[float, str, int]](), 0
        for part in parts:
            with part._lock:
                lines += part._lines
                left_out += part._left_out
        lines.sort()
        half = most // 2
        more = len(lines) - 2 * half if len(lines) > most else 0
        # What is not shown is not redacted, either: hours of it take longer than many a check.
        kept = [*lines[:half], *lines[-half:]] if more else lines
        shown = [_line(at - self._began, redact(line), times) for at, line, times in kept]
        if more:
            shown[half:half] = [f"... {more + left_out} more ..."]
        return "".join(f"{line}\n" for line in shown)


def _line(at: float, line: str, times: int) -> str:
    often = f" ({times} times)" if times > 1 else ""
    return f"{at:7.2f} s  {' '.join(line[:_WIDTH].splitlines())}{often}"


def begin() -> Transcript:
    """Begin the transcript of this thread, in place of the one before."""
    transcript = Transcript()
    _CURRENT.transcript = transcript
    return transcript


def end() -> None:
    """Keep nothing more of this thread."""
    _CURRENT.transcript = None


def current() -> Transcript | None:
    """Return this thread's transcript, if it has one."""
    transcript: Transcript | None = getattr(_CURRENT, "transcript", None)
    return transcript


def record(asked: str, answered: object) -> None:
    """Keep an exchange in this thread's transcript, if it has one."""
    if transcript := current():
        transcript.add(asked, str(answered))


@contextlib.contextmanager
def paused() -> Iterator[None]:
    """Keep nothing of this thread meanwhile: whoever pauses says afterwards what came of it."""
    transcript, _CURRENT.transcript = current(), None
    try:
        yield
    finally:
        _CURRENT.transcript = transcript


def carried(action: Callable[[], Result]) -> Callable[[], Result]:
    """Return an action for another thread, which keeps what it asks in this thread's transcript."""
    transcript = current()

    def act() -> Result:
        _CURRENT.transcript = transcript
        try:
            return action()
        finally:
            end()

    return act


def without_values(url: str) -> str:
    """Return an address with the names of its parameters alone: values may be codes and tokens."""
    parts = urlsplit(url)
    names: Sequence[str] = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
    return parts._replace(query="&".join(names), fragment="").geturl()
