"""What checks that run side by side print: each line belongs to the check that printed it."""

from __future__ import annotations

import contextlib
import io
import sys
import threading
from collections.abc import Iterator
from typing import Any, TextIO, cast

import pytest


class OutputByThread(io.TextIOBase):
    """In the place of ``sys.stdout`` or ``sys.stderr``: keeps what those threads print that asked.

    What others print goes where it went before.
    """

    def __init__(self, elsewhere: TextIO) -> None:
        self._elsewhere = elsewhere
        self._here = threading.local()

    def begin(self) -> None:
        """Keep what the calling thread prints from now on."""
        self._here.kept = io.StringIO()

    def end(self) -> str:
        """Return what the calling thread has printed, and keep nothing more."""
        kept: io.StringIO = self._here.kept
        self._here.kept = None
        return kept.getvalue()

    def write(self, text: str) -> int:
        """Print a text."""
        kept = getattr(self._here, "kept", None)
        return (self._elsewhere if kept is None else kept).write(text)

    def flush(self) -> None:
        """Bring out what was printed elsewhere."""
        self._elsewhere.flush()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - encoding, buffer, fileno
        return getattr(self._elsewhere, name)


class Output:
    """Standard output and standard error while lanes run."""

    def __init__(self) -> None:
        self.streams: dict[str, OutputByThread] = {}

    @contextlib.contextmanager
    def by_thread(self, config: pytest.Config) -> Iterator[None]:
        """Tell threads apart while the body runs; not with ``-s``, which shows all at once."""
        if config.getoption("capture") == "no":
            yield
            return
        self.streams = {name: OutputByThread(getattr(sys, name)) for name in ("stdout", "stderr")}
        with (
            contextlib.redirect_stdout(cast("TextIO", self.streams["stdout"])),
            contextlib.redirect_stderr(cast("TextIO", self.streams["stderr"])),
        ):
            yield

    @contextlib.contextmanager
    def of(self, sections: list[tuple[str, str, str]], phase: str) -> Iterator[None]:
        """Add what the calling thread prints in the body to the sections of a check's report."""
        for stream in self.streams.values():
            stream.begin()
        try:
            yield
        finally:
            for name, stream in self.streams.items():
                if text := stream.end():
                    sections.append((phase, name, text))
