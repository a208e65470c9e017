"""Acts one after another in the background; a check asks for the result of the one it is about."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from concurrent.futures import wait as wait_for_futures
from typing import Any, TypeVar

from conformance.components.waiting import in_thread

Result = TypeVar("Result")


class Background:
    """Each act begins when the one before has succeeded; if one fails, the later ones fail too.

    The threads are daemons, so an interrupted run does not wait for them.
    """

    def __init__(self) -> None:
        self._acts: list[Future[Any]] = []
        self._ended = threading.Event()

    def then(self, act: Callable[[], Result]) -> Future[Result]:
        """Add an act; return the future of its result, or of the first error up to it."""
        before = self._acts[-1:]

        def follow() -> Result:
            for one in before:
                one.result()
            if self._ended.is_set():
                raise CancelledError
            return act()

        future = in_thread(getattr(act, "__name__", "act"), follow)
        self._acts.append(future)
        return future

    def wait(self, seconds: float | None = None) -> bool:
        """Return when no act goes on any more: all are done, or one has failed.

        False if that has not come within ``seconds``; None: without a limit.
        """
        return not wait_for_futures(self._acts, seconds).not_done

    def stop(self) -> None:
        """Begin no further act."""
        self._ended.set()

    def end(self) -> None:
        """Begin no further act; return when the present one is done."""
        self.stop()
        self.wait()
