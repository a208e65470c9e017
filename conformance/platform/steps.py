"""Named steps that run once each, in parallel where possible, and are timed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

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

    The threads are daemons, so an interrupted run need not wait for them.
    """

    def __init__(self) -> None:
        self.timings: list[Timing] = []
        self._futures: dict[str, Future[Any]] = {}
        self._begun: dict[str, float] = {}
        self._lock = threading.Lock()
        self._origin: float | None = None

    def start(self, name: str, action: Callable[[], Result]) -> Future[Result]:
        """Begin the step unless it has begun; return the future of its result."""
        with self._lock:
            if name in self._futures:
                return self._futures[name]
            self._origin = self._origin or time.monotonic()
            future = in_thread(name, partial(self._timed, name, action))
            self._futures[name] = future
            return future

    def run(self, name: str, action: Callable[[], Result]) -> Result:
        """Do the step unless it has been done; return its result or raise its exception."""
        return self.start(name, action).result()

    def result(self, name: str) -> object:
        """Return a step's result; None if it has not been done or has failed."""
        with self._lock:
            future = self._futures.get(name)
        return future.result() if future and future.done() and not future.exception() else None

    def going_on(self) -> dict[str, float]:
        """Return for how many seconds each step has gone on that has not ended yet."""
        now = time.monotonic()
        return {name: now - began for name, began in list(self._begun.items())}

    def described(self) -> list[dict[str, Any]]:
        """Return seconds a step, for the report."""
        return [
            {
                "step": item.name,
                "began": round(item.began, 2),
                "seconds": round(item.seconds, 2),
            }
            for item in sorted(self.timings, key=lambda item: item.began)
        ]

    def _timed(self, name: str, action: Callable[[], Result]) -> Result:
        began = self._begun[name] = time.monotonic()
        try:
            result = action()
        finally:
            del self._begun[name]
        now = time.monotonic()
        self.timings.append(Timing(name, began - (self._origin or began), now - began))
        return result
