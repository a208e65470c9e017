"""Named steps that run once each, in parallel where possible, and are timed."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from conformance.common import course
from conformance.common.course import Kind, Step
from conformance.components.waiting import in_thread

Result = TypeVar("Result")


@dataclass(frozen=True)
class Timing:
    """When a step began, in seconds after the first one, and how many seconds it took."""

    name: str
    began: float
    seconds: float


class Steps:
    """Runs each step once; a step that needs another one runs it and waits for its result.

    The threads are daemons, so an interrupted run need not wait for them. Steps of a ``kind`` are
    in the course of the run; without one they are a matter of whoever takes them.
    """

    def __init__(self, kind: Kind | None = None, cluster: str = "") -> None:
        self._kind = kind
        self._cluster = cluster
        self.timings: list[Timing] = []
        self._futures: dict[str, Future[Any]] = {}
        self._begun: dict[str, float] = {}
        self._lock = threading.Lock()
        self._origin: float | None = None

    def start(
        self, name: str, action: Callable[[], Result], kind: Kind | None = None
    ) -> Future[Result]:
        """Begin the step unless it has begun; return the future of its result.

        It is of another ``kind`` than the others if one is given.
        """
        known_as = kind or self._kind
        step = Step(known_as, name, self._cluster) if known_as else None
        with self._lock:
            if name in self._futures:
                return self._futures[name]
            self._origin = self._origin or time.monotonic()
            future = in_thread(name, partial(self._timed, name, action, step), step)
            self._futures[name] = future
            return future

    def run(self, name: str, action: Callable[[], Result], kind: Kind | None = None) -> Result:
        """Do the step unless it has been done; return its result or raise its exception."""
        return self.start(name, action, kind).result()

    def result(self, name: str) -> object:
        """Return a step's result; None if it has not been done or has failed."""
        with self._lock:
            future = self._futures.get(name)
        return future.result() if future and future.done() and not future.exception() else None

    def going_on(self) -> dict[str, float]:
        """Return for how many seconds each step has gone on that has not ended yet."""
        now = time.monotonic()
        return {name: now - began for name, began in list(self._begun.items())}

    def ends(self) -> dict[str, float]:
        """Return when each step was done, in seconds after the first one began."""
        return {item.name: item.began + item.seconds for item in self.timings}

    def _timed(self, name: str, action: Callable[[], Result], step: Step | None) -> Result:
        began = self._begun[name] = time.monotonic()
        try:
            with course.taking(step) if step else contextlib.nullcontext():
                result = action()
        finally:
            del self._begun[name]
        now = time.monotonic()
        self.timings.append(Timing(name, began - (self._origin or began), now - began))
        return result
