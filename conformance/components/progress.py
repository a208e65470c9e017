"""Says what is being built: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import math
import sys
import threading
import time
from collections.abc import Iterator
from typing import TextIO

from rich.console import Console

from conformance.components.live_line import Entry, LiveLine
from conformance.components.plan import Outlook

HEARTBEAT = 30.0
"""Seconds between the lines that say that a long build goes on, without a terminal."""
_STALE = 10.0
"""Seconds after which what a command said last is no sign of life any more."""
_LONG = 20.0
"""Seconds from which on it is worth a line on a terminal that the background begins a part."""
_NOBODY = Outlook()


def seconds(duration: float) -> str:
    """Return a duration for people: ``0.3 s``, ``42 s``, ``7 min 5 s``."""
    if duration < 10:
        return f"{duration:.1f} s"
    if duration < 120:
        return f"{duration:.0f} s"
    return f"{int(duration) // 60} min {int(duration) % 60} s"


def about(duration: float) -> str:
    """Return an estimate for people: ``less than 1 min``, ``about 7 min``."""
    return "less than 1 min" if duration < 60 else f"about {math.ceil(duration / 60)} min"


class Task:
    """One part that is being built or waited for."""

    def __init__(
        self, what: str, outlook: Outlook = _NOBODY, *, begun: float | None = None
    ) -> None:
        self.what = what
        self.outlook = outlook
        self.begun = time.monotonic() if begun is None else begun
        self._detail = ""
        self._said = -math.inf

    @property
    def elapsed(self) -> float:
        """Seconds since the task began."""
        return time.monotonic() - self.begun

    @property
    def detail(self) -> str:
        """What was said last of what goes on inside; "" if that was some time ago."""
        return self._detail if time.monotonic() - self._said < _STALE else ""

    def show(self, detail: str) -> None:
        """Say what is going on inside; shown with the next sign of life."""
        self._detail, self._said = detail.strip(), time.monotonic()

    def beginning(self) -> str:
        """Return the line that says that the task begins."""
        elsewhere = self.outlook.elsewhere
        took = f" (took {seconds(elsewhere)} elsewhere)" if elsewhere >= 1 else ""
        return "; ".join((f"{self._place()}{self.what}{took}", *self._coming()))

    def going_on(self) -> str:
        """Return the line that says how far the task is."""
        elsewhere = self.outlook.elsewhere
        took = f" ({seconds(elsewhere)} elsewhere)" if elsewhere >= 1 else ""
        now = f"{self._place()}{self.what}, {seconds(self.elapsed)}{took}"
        return "; ".join(filter(None, (now, *self._coming(), self.detail)))

    def _place(self) -> str:
        number, total = self.outlook.number, self.outlook.total
        return f"part {number} of {total}: " if number else ""

    def _coming(self) -> Iterator[str]:
        """Say about how long it takes until all is there, and what comes next."""
        here = max(self.outlook.here - self.elapsed, 0.0)
        awaited, rest = self.outlook.awaited + here, self.outlook.rest + here
        if rest > awaited + 60:
            yield f"{about(awaited)} for these, {about(rest)} for all"
        elif rest >= 1:
            yield f"{about(rest)} left"
        if self.outlook.following:
            yield f"next {self.outlook.following}"


class Progress:
    """Plain lines to ``stream``: when a task begins, about every 30 s, when it ends."""

    def __init__(self, stream: TextIO | None = None, heartbeat: float = HEARTBEAT) -> None:
        self._stream = stream or sys.stderr
        self._heartbeat = heartbeat
        self._writing = threading.Lock()

    def say(self, text: str) -> None:
        """Write one line."""
        with self._writing:
            self._stream.write(f"components: {text}\n")
            self._stream.flush()

    @contextlib.contextmanager
    def task(
        self,
        what: str,
        outlook: Outlook = _NOBODY,
        *,
        background: bool = False,
        begun: float | None = None,
    ) -> Iterator[Task]:
        """Report on ``what`` while the body runs. It may have ``begun`` before (monotonic time)."""
        del background  # plain lines are as good for both
        task = Task(what, outlook, begun=begun)
        self.say(task.beginning())
        ended = threading.Event()
        beat = threading.Thread(target=self._beat, args=(task, ended), daemon=True)
        beat.start()
        try:
            yield task
        finally:
            ended.set()
            beat.join()

    def _beat(self, task: Task, ended: threading.Event) -> None:
        while not ended.wait(self._heartbeat):
            self.say(f"still {task.going_on()}")


class TerminalProgress(Progress):
    """One line that goes on, for what somebody waits for; long parts of the background have one."""

    def __init__(self, line: LiveLine) -> None:
        super().__init__()
        self._line = line
        self._guard = threading.Lock()
        self._shown: list[Task] = []

    def say(self, text: str) -> None:
        """Write one line above the one that goes on."""
        self._line.say(f"components: {text}")

    @contextlib.contextmanager
    def task(
        self,
        what: str,
        outlook: Outlook = _NOBODY,
        *,
        background: bool = False,
        begun: float | None = None,
    ) -> Iterator[Task]:
        """Report on ``what`` while the body runs; the line goes away with the last task."""
        task = Task(what, outlook, begun=begun)
        if background:
            if outlook.here >= _LONG:
                self.say(task.beginning())
            yield task
            return
        with self._guard:
            self._shown.append(task)
            if len(self._shown) == 1:
                self._line.show(self._longest)
        try:
            yield task
        finally:
            with self._guard:
                self._shown.remove(task)
                if not self._shown:
                    self._line.drop(self._longest)

    def _longest(self) -> list[Entry]:
        """Return what there is to say of the task that has gone on for longest."""
        first = sorted(self._shown, key=lambda task: task.begun)[:1]
        return [Entry(task.going_on()) for task in first]


def make_progress(stream: TextIO | None = None) -> Progress:
    """Return the progress that suits ``stream`` (default: standard error)."""
    stream = stream or sys.stderr
    console = Console(file=stream)
    return TerminalProgress(LiveLine(console)) if console.is_terminal else Progress(stream)
