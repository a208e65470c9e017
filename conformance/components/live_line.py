"""The last line of a terminal, below all that is said: what goes on now, with its seconds."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.live import Live
from rich.text import Text

REDRAWN = 2.0
"""How often in a second the line is drawn anew."""


class LiveLine:
    """One line for all who have something that goes on; while nobody has, there is none.

    With ``redirect``, what is printed meanwhile appears above it; without, only what ``say`` is
    told, and what is written in the body of ``hidden``.
    """

    def __init__(self, console: Console, *, redirect: bool = True) -> None:
        self._console = console
        self._redirect = redirect
        self._guard = threading.RLock()
        self._sources: list[Callable[[], str]] = []
        self._hidden = 0
        self._live: Live | None = None

    def say(self, text: str) -> None:
        """Write one line above it."""
        self._console.print(text, highlight=False, markup=False)

    @contextlib.contextmanager
    def showing(self, source: Callable[[], str]) -> Iterator[None]:
        """Have what ``source`` says in the line while the body runs."""
        self.show(source)
        try:
            yield
        finally:
            self.drop(source)

    def show(self, source: Callable[[], str]) -> None:
        """Have in the line what ``source`` says, each time that it is drawn; behind the others'."""
        with self._guard:
            self._sources.append(source)
            self._start_or_stop()

    def drop(self, source: Callable[[], str]) -> None:
        """Leave out what ``source`` says from now on; the line goes away with the last of them."""
        with self._guard:
            if source in self._sources:
                self._sources.remove(source)
            self._start_or_stop()

    @contextlib.contextmanager
    def hidden(self) -> Iterator[None]:
        """Take the line away while the body writes to the terminal."""
        self._hide(1)
        try:
            yield
        finally:
            self._hide(-1)

    def _hide(self, more: int) -> None:
        with self._guard:
            self._hidden += more
            self._start_or_stop()

    def _start_or_stop(self) -> None:
        wanted = bool(self._sources) and not self._hidden
        if wanted and self._live is None:
            self._live = Live(
                get_renderable=self._text,
                console=self._console,
                transient=True,
                refresh_per_second=REDRAWN,
                redirect_stdout=self._redirect,
                redirect_stderr=self._redirect,
            )
            self._live.start()
        elif self._live is not None and not wanted:
            live, self._live = self._live, None
            live.stop()

    def _text(self) -> Text:
        said = "; ".join(filter(None, (source() for source in list(self._sources))))
        return Text(said, no_wrap=True, overflow="ellipsis")
