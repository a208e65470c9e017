"""What a thread did for who waits for its result: how long it waited for builds, what it asked.

No check is charged for the time in which components are built.

A check's thread seldom builds a part itself. Mostly it waits for a step of the installation, or for
a second cluster, that waits for a part in a thread of its own. So each thread remembers when it
waited, and whoever waits for its result takes over what falls into that time, and no more: what is
built for later checks, while a check goes on beside it, is no part of that check's waiting.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import TypeVar

from conformance.common import course, transcript
from conformance.common.course import Step
from conformance.common.transcript import Transcript

Result = TypeVar("Result")


@dataclass
class _Waits:
    """When one thread waited for builds, as pairs of ``time.monotonic``; they never overlap."""

    spans: list[tuple[float, float]] = field(default_factory=list)
    waiting: bool = False

    def take_over(self, other: _Waits, since: float) -> None:
        """Add what ``other`` waited from ``since`` until now."""
        for began, ended in list(other.spans):
            if ended > since:
                self.spans.append((max(began, since), ended))


class _Local(threading.local):
    def __init__(self) -> None:
        self.waits = _Waits()


_thread = _Local()


def seconds_waited() -> float:
    """Return for how many seconds the calling thread has waited for builds until now."""
    return sum(ended - began for began, ended in _thread.waits.spans)


@contextlib.contextmanager
def waiting_for_build() -> Iterator[None]:
    """Count the body as waiting for a build; once, where it does so again inside."""
    waits = _thread.waits
    if waits.waiting:
        yield
        return
    waits.waiting = True
    began = time.monotonic()
    try:
        yield
    finally:
        waits.waiting = False
        waits.spans.append((began, time.monotonic()))


class BuildingFuture(Future[Result]):
    """The result of another thread; see the head of this module."""

    def __init__(self, step: Step | None = None) -> None:
        """``step`` is what the result is of, by the name that a report gives it."""
        super().__init__()
        self._step = step
        self._worker = _Waits()
        self._asked: Transcript | None = None

    def worked_on_here(self) -> None:
        """Say that it is the calling thread that works on the result."""
        self._worker = _thread.waits

    def work(self, action: Callable[[], Result]) -> None:
        """Do ``action`` now: its result, or what it raises, is the future's."""
        self.worked_on_here()
        self._asked = transcript.begin()
        try:
            result = action()
        except BaseException as error:
            self.set_exception(error)
        else:
            self.set_result(result)
        finally:
            transcript.end()

    @contextlib.contextmanager
    def awaited(self) -> Iterator[None]:
        """Take over, at the end of the body, for how long the worker waited for builds in it.

        What the worker asked is what the waiting thread stands on.
        """
        began = time.monotonic()
        try:
            with course.waiting_for(self._step):
                yield
        finally:
            _thread.waits.take_over(self._worker, began)
            if (mine := transcript.current()) and self._asked:
                mine.rest_on(self._asked)

    def result(self, timeout: float | None = None) -> Result:
        """Return the result, or raise the exception, as ``Future`` does."""
        with self.awaited():
            return super().result(timeout)


def in_thread(
    name: str, action: Callable[[], Result], step: Step | None = None
) -> BuildingFuture[Result]:
    """Begin ``action`` in a daemon thread: an interrupted run does not wait for it.

    ``step`` is what a report calls it; None: it does not say who waits for it.
    """
    future: BuildingFuture[Result] = BuildingFuture(step)
    threading.Thread(target=future.work, args=(action,), name=name, daemon=True).start()
    return future


def submit(
    executor: Executor, action: Callable[[], Result], step: Step | None = None
) -> BuildingFuture[Result]:
    """Queue ``action`` in ``executor``; what is dropped from the queue is cancelled.

    ``step`` is as for ``in_thread``.
    """
    future: BuildingFuture[Result] = BuildingFuture(step)
    queued = executor.submit(future.work, action)
    queued.add_done_callback(lambda done: future.cancel() if done.cancelled() else None)
    return future
