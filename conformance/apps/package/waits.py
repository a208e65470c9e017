"""Waiting for an app: not longer than it may take, and not for what cannot come any more."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from conformance.kube.conditions import deleted
from conformance.kube.wait import Wait, WaitTimeout, wait_all

if TYPE_CHECKING:
    from conformance.apps.package.time_limit import TimeLimit
    from conformance.kube.client import Kube
    from conformance.kube.objects import Ref


class AppWaits:
    """Waits that the time of one app limits."""

    def __init__(self, kube: Kube, limit: TimeLimit, look: Callable[[], None]) -> None:
        """``look`` raises ``WaitFailed`` once waiting for the app is in vain."""
        self._kube = kube
        self.limit = limit
        self._look = look

    def wait(self, waits: list[Wait], seconds: float) -> None:
        """Wait for all of it, ``seconds`` at most. Raises ``WaitFailed``, ``OutOfTime``."""
        self._look()
        within = self.limit.at_most(seconds)
        try:
            wait_all(self._kube, waits, timeout=within, meanwhile=self._look)
        except WaitTimeout as error:
            if self.limit.is_over:
                raise self.limit.over(str(error)) from error
            raise

    def wait_gone(self, refs: Iterable[Ref], within: float | None = None) -> None:
        """Wait until objects are gone, however much time the app has.

        ``within`` is the most that it may take, in seconds. Raises ``WaitTimeout``.
        """
        waits = [Wait(one, deleted()) for one in refs]
        wait_all(self._kube, waits, timeout=within or self._kube.timeouts.deletion)
