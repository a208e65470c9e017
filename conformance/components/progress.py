"""Says what is being built: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from typing import TextIO

from rich.console import Console
from rich.progress import Progress as RichProgress
from rich.progress import SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column

HEARTBEAT = 30.0
"""Seconds between the lines that say that a long build goes on, without a terminal."""


def seconds(duration: float) -> str:
    """Return a duration for people: ``0.3 s``, ``42 s``, ``7 min 5 s``."""
    if duration < 10:
        return f"{duration:.1f} s"
    if duration < 120:
        return f"{duration:.0f} s"
    return f"{int(duration) // 60} min {int(duration) % 60} s"


class Task:
    """One part that is being built or waited for."""

    def __init__(self, what: str, left: int) -> None:
        self.what = what
        self.left = left
        self.detail = ""
        self.begun = time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since the task began."""
        return time.monotonic() - self.begun

    def show(self, detail: str) -> None:
        """Say what is going on inside; shown with the next sign of life."""
        self.detail = detail.strip()

    def __str__(self) -> str:
        more = f", {self.left} more to come" if self.left else ""
        return f"{self.what}{more}"


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
    def task(self, what: str, left: int = 0, *, background: bool = False) -> Iterator[Task]:
        """Report on ``what`` while the body runs; ``left`` parts come after it."""
        del background  # plain lines are as good for both
        task = Task(what, left)
        self.say(str(task))
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
            detail = f": {task.detail}" if task.detail else ""
            self.say(f"still {task.what}, {seconds(task.elapsed)}{detail}")


class TerminalProgress(Progress):
    """A live display for what the user waits for; one line for what the background finished."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console
        self._guard = threading.Lock()
        self._live: RichProgress | None = None
        self._shown = 0

    def say(self, text: str) -> None:
        """Write one line above the live display."""
        self._console.print(f"components: {text}", highlight=False, markup=False)

    @contextlib.contextmanager
    def task(self, what: str, left: int = 0, *, background: bool = False) -> Iterator[Task]:
        """Report on ``what`` while the body runs; the display goes away with the last task."""
        task = _LiveTask(what, left)
        if background:
            yield task
            return
        with self._guard:
            if self._live is None:
                self._live = RichProgress(
                    SpinnerColumn(),
                    TextColumn("{task.description}", markup=False, table_column=_column()),
                    TimeElapsedColumn(table_column=_column()),
                    TextColumn(
                        "{task.fields[detail]}",
                        style="dim",
                        markup=False,
                        table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1),
                    ),
                    expand=True,
                    console=self._console,
                    transient=True,
                )
                self._live.start()
            self._shown += 1
            task.attach(self._live)
        try:
            yield task
        finally:
            with self._guard:
                task.detach()
                self._shown -= 1
                if not self._shown and self._live:
                    self._live.stop()
                    self._live = None


def _column() -> Column:
    """Return a column that is never shortened; the detail has what is left of the line."""
    return Column(no_wrap=True, overflow="ignore")


class _LiveTask(Task):
    def __init__(self, what: str, left: int) -> None:
        super().__init__(what, left)
        self._live: RichProgress | None = None
        self._id = TaskID(0)

    def attach(self, live: RichProgress) -> None:
        self._live = live
        self._id = live.add_task(str(self), total=None, detail="")

    def detach(self) -> None:
        if self._live:
            self._live.remove_task(self._id)
            self._live = None

    def show(self, detail: str) -> None:
        super().show(detail)
        if self._live:
            self._live.update(self._id, detail=self.detail)


def make_progress(stream: TextIO | None = None) -> Progress:
    """Return the progress that suits ``stream`` (default: standard error)."""
    stream = stream or sys.stderr
    console = Console(file=stream)
    return TerminalProgress(console) if console.is_terminal else Progress(stream)
