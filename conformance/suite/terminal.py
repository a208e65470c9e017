"""The terminal of a run, although pytest captures what is printed."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable, Iterator
from typing import TextIO, cast

from rich.console import Console, ConsoleDimensions

from conformance.components.live_line import LiveLine
from conformance.components.progress import Progress, TerminalProgress


class Terminal:
    """Standard error as it was before pytest began to capture it.

    With ``live``, and if it is a terminal, its last line says what goes on now. Whoever else writes
    to the terminal meanwhile does so in the body of ``hidden``.
    """

    def __init__(self, *, live: bool = False) -> None:
        self.stream: TextIO = open(os.dup(2), "w", buffering=1, encoding="utf-8")  # noqa: PTH123, SIM115
        console = _Console(file=self.stream)
        # What checks print is pytest's to capture, so nothing is redirected.
        is_live = live and console.is_interactive
        self.line = LiveLine(console, redirect=False) if is_live else None

    def say(self, text: str) -> None:
        """Show one line now."""
        with self.hidden():
            print(text, file=self.stream)

    def progress(self) -> Progress:
        """Return what says of parts that they are being built."""
        return TerminalProgress(self.line) if self.line else Progress(self.stream)

    @contextlib.contextmanager
    def hidden(self) -> Iterator[None]:
        """Take the last line away while the body writes to the terminal."""
        with self.line.hidden() if self.line else contextlib.nullcontext():
            yield

    @contextlib.contextmanager
    def showing(self) -> Iterator[None]:
        """Show what the body prints at once: pytest would hold it back until a check fails."""
        lines = _Lines(self.say)
        with contextlib.redirect_stdout(lines), contextlib.redirect_stderr(lines):
            yield
        lines.end()

    def close(self) -> None:
        """Show nothing any more."""
        self.stream.close()


class _Console(Console):
    """Is as wide as the terminal that it writes to.

    rich asks the standard streams, which pytest has replaced: each terminal had 80 columns.
    """

    @property  # type: ignore[misc]  # nobody sets it
    def size(self) -> ConsoleDimensions:
        """What the terminal says now, unless the user says it by ``COLUMNS``."""
        if "COLUMNS" in os.environ or not self.is_terminal:
            return super().size
        try:
            columns, lines = os.get_terminal_size(self.file.fileno())
        except OSError:  # it is gone
            return super().size
        return ConsoleDimensions(columns or 80, lines or 25)  # 0: nobody has told the terminal


class RelayedTerminal(Terminal):
    """The terminal of another process, which is given each line."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self.stream = cast("TextIO", _Lines(say))
        self.line = None

    def say(self, text: str) -> None:
        """Have one line shown."""
        self._say(text)


class _Lines(io.TextIOBase):
    """A stream that says each line when it is whole."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._begun = ""

    def write(self, text: str) -> int:
        *whole, self._begun = (self._begun + text).split("\n")
        for line in whole:
            self._say(line)
        return len(text)

    def end(self) -> None:
        """Say what has no line break behind it."""
        if self._begun:
            self._say(self._begun)
