"""The last line of a terminal, below all that is said: what goes on now, with its seconds."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console
from rich.live import Live
from rich.text import Text

REDRAWN = 2.0
"""How often in a second the line is drawn anew."""
_BETWEEN = "; "


@dataclass(frozen=True)
class Entry:
    """Something that goes on."""

    what: str
    """Its end is cut off where the line is too short for it."""
    since: str = ""
    """What stands behind it and is not cut off: its seconds."""

    def __str__(self) -> str:
        return f"{self.what}{self.since}"

    def within(self, columns: int) -> str:
        """Return it in at most so many columns; its seconds and one more column it has always."""
        what = Text(self.what)
        what.truncate(max(1, columns - cell_len(self.since)), overflow="ellipsis")
        return f"{what.plain}{self.since}"


Source = Callable[[], Sequence[Entry]]
"""Says what goes on, each time that the line is drawn."""


def in_one_line(entries: Sequence[Entry], columns: int) -> str:
    """Return all entries in so many columns: what the short ones leave goes to the longer ones."""
    left = columns - len(_BETWEEN) * (len(entries) - 1)
    said: dict[int, str] = {}
    shortest_first = sorted(range(len(entries)), key=lambda at: cell_len(str(entries[at])))
    for number, at in enumerate(shortest_first):
        said[at] = entries[at].within(left // (len(entries) - number))
        left -= cell_len(said[at])
    return _BETWEEN.join(said[at] for at in range(len(entries)))


class LiveLine:
    """One line for all who have something that goes on; while nobody has, there is none.

    With ``redirect``, what is printed meanwhile appears above it; without, only what ``say`` is
    told, and what is written in the body of ``hidden``.
    """

    def __init__(self, console: Console, *, redirect: bool = True) -> None:
        self._console = console
        self._redirect = redirect
        self._guard = threading.RLock()
        self._sources: list[Source] = []
        self._hidden = 0
        self._live: Live | None = None

    def say(self, text: str) -> None:
        """Write one line above it."""
        self._console.print(text, highlight=False, markup=False)

    @contextlib.contextmanager
    def showing(self, source: Source) -> Iterator[None]:
        """Have what ``source`` says in the line while the body runs."""
        self.show(source)
        try:
            yield
        finally:
            self.drop(source)

    def show(self, source: Source) -> None:
        """Have in the line what ``source`` says, each time that it is drawn; behind the others'."""
        with self._guard:
            self._sources.append(source)
            self._start_or_stop()

    def drop(self, source: Source) -> None:
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
        entries = [entry for source in list(self._sources) for entry in source()]
        said = in_one_line(entries, self._console.width)
        return Text(said, no_wrap=True, overflow="ellipsis")
