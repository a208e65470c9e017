"""A visitor who never stops asking: tells for how long an app did not answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import requests

from conformance.common.load import Load, LoadMeter

PACE = 0.25
"""Seconds between two requests: the resolution of an outage, unless another is given."""
PATIENCE = 5.0
"""Seconds after which a request without an answer counts as failed; a busy app is not away."""
ALONE = 0.5
"""Seconds in which an app answers for sure that shares no processor."""


@dataclass(frozen=True)
class Outage:
    """A time in which no request succeeded."""

    began: float
    """When the first request that failed was sent (time.monotonic())."""
    seconds: float
    """From the first request that failed to the first that succeeded again, or until now."""
    problem: str
    """What the first failed request got instead of an answer."""
    over: bool
    """Whether a request has succeeded since."""
    slow: bool
    """Whether each request only went without an answer in time: nothing refused one."""
    load: Load
    """How busy the machine was meanwhile."""

    def __str__(self) -> str:
        return f"{self.seconds:.1f} s ({self.problem}; {self.load})"

    def overlaps(self, other: Outage) -> bool:
        """Whether both were there at some moment."""
        first, second = sorted((self, other), key=lambda outage: outage.began)
        return second.began < first.began + first.seconds


class AvailabilityMonitor:
    """Requests ``url`` in a thread of its own from ``with`` to the end of the block.

    An answer with status 200 is a success; anything else, and no answer within ``PATIENCE``
    seconds, is not. ``pace`` is the seconds between two requests; None: ``PACE``.
    """

    def __init__(self, session: requests.Session, url: str, pace: float | None = None) -> None:
        self._session = session
        self._url = url
        self._pace = PACE if pace is None else pace
        self._stop = threading.Event()
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=f"monitor {url}", daemon=True)
        self._requests = 0
        self._last_success = float("-inf")
        """When the last successful request began."""
        self._outages: list[Outage] = []
        self._down_since: float | None = None
        self._problem = ""
        self._slow = False
        self._meter = self._outage_meter = LoadMeter()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Ask no more; what was seen stays."""
        self._stop.set()
        self._thread.join(2 * PATIENCE)

    @property
    def outages(self) -> list[Outage]:
        """Every outage so far, also one that is not over."""
        with self._changed:
            outages = list(self._outages)
            if self._down_since is not None:
                outages.append(self._outage(time.monotonic(), over=False))
            return outages

    @property
    def outage_seconds(self) -> float:
        """Seconds without an answer, all outages together."""
        return sum(outage.seconds for outage in self.outages)

    @property
    def load(self) -> Load:
        """How busy the machine was during the longest outage; without one, all the time."""
        longest = max(self.outages, key=lambda outage: outage.seconds, default=None)
        return longest.load if longest else self._meter.read()

    def own_outages(self, control: AvailabilityMonitor) -> list[Outage]:
        """Return the outages that are no sign of a machine that was too busy.

        One in which answers were only late is such a sign if it took no longer than an answer does
        on a machine that busy, or if those of ``control``, to which nothing was done, were late at
        the same time and for as long.
        """
        late = [outage for outage in control.outages if outage.slow]
        return [
            outage
            for outage in self.outages
            if not outage.slow or outage.seconds > max(_busy(outage), _as_late(outage, late))
        ]

    def wait_answer(self, timeout: float) -> None:
        """Wait until a request that begins after this call succeeds.

        Raises ``AssertionError`` with the last problem after ``timeout`` seconds.
        """
        now = time.monotonic()
        with self._changed:
            if self._changed.wait_for(lambda: self._last_success >= now, timeout):
                return
            found = self._problem or "no request was sent"
            raise AssertionError(
                f"{self._url} did not answer for {timeout:.0f} s: {found}; {self._meter.read()}"
            )

    def summary(self) -> str:
        """Return what was seen in one sentence."""
        if not (outages := self.outages):
            return f"{self._requests} requests to {self._url}, each answered ({self._meter.read()})"
        told = "; ".join(map(str, outages))
        return f"{self._requests} requests to {self._url}, outages: {told}"

    def _run(self) -> None:
        while not self._stop.is_set():
            began = time.monotonic()
            self._record(began, *self._ask())
            self._stop.wait(max(0.0, self._pace - (time.monotonic() - began)))

    def _ask(self) -> tuple[str, bool]:
        """Return what went wrong, empty if nothing did, and whether the answer was only late."""
        try:
            response = self._session.get(self._url, timeout=PATIENCE, allow_redirects=False)
        except requests.RequestException as error:
            return type(error).__name__, isinstance(error, requests.Timeout)
        ok = response.status_code == requests.codes.ok
        return "" if ok else f"HTTP {response.status_code}", False

    def _record(self, began: float, problem: str, slow: bool) -> None:
        with self._changed:
            self._requests += 1
            if problem and self._down_since is None:
                self._down_since, self._problem, self._slow = began, problem, slow
                self._outage_meter = LoadMeter()
            elif problem:
                self._slow = self._slow and slow
            else:
                if self._down_since is not None:
                    self._outages.append(self._outage(began, over=True))
                    self._down_since = None
                self._last_success = began
            self._changed.notify_all()

    def _outage(self, until: float, *, over: bool) -> Outage:
        began = self._down_since or until
        load = self._outage_meter.read()
        return Outage(began, until - began, self._problem, over, self._slow, load)


def _busy(outage: Outage) -> float:
    """Return the seconds in which an app answers on a machine as busy as during an outage."""
    return ALONE * outage.load.slowdown


def _as_late(outage: Outage, others: Iterable[Outage]) -> float:
    """Return the seconds that an outage may take beside others, 0 without one."""
    beside = [other.seconds for other in others if outage.overlaps(other)]
    return PATIENCE + sum(beside) if beside else 0.0
