"""How long a check usually takes, and what is beyond that."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

ENOUGH = 5
"""Runs from which on their spread says something."""
_FAR_OUT = 3.0
"""Tukey's outer fence, in interquartile ranges: of normal noise, one in some 400,000 is beyond."""
_NOTABLE_SECONDS = 2.0
_NOTABLE_RATIO = 1.25
"""A spread of nothing makes no noise of nothing: both are exceeded, too, by what is reported."""


@dataclass(frozen=True)
class Usual:
    """The durations of a check that passed, in seconds."""

    runs: int
    low: float
    median: float
    high: float
    """``low`` and ``high`` are quartiles: half of the runs were between them."""

    @property
    def longest(self) -> float:
        """What is longer than this is slower than usual."""
        far = self.high + _FAR_OUT * (self.high - self.low)
        return max(far, self.median + _NOTABLE_SECONDS, self.median * _NOTABLE_RATIO)

    @property
    def shortest(self) -> float:
        """What is shorter than this is faster than usual; may be below 0."""
        far = self.low - _FAR_OUT * (self.high - self.low)
        return min(far, self.median - _NOTABLE_SECONDS, self.median / _NOTABLE_RATIO)


def usual(seconds: Sequence[float]) -> Usual | None:
    """Return how long a check usually takes; None: too few runs to tell."""
    if len(seconds) < ENOUGH:
        return None
    low, median, high = statistics.quantiles(seconds, n=4, method="inclusive")
    return Usual(len(seconds), low, median, high)


def pace(pairs: Iterable[tuple[float, Usual]]) -> float:
    """Return how many times as long as usual a whole run took, by the median of its checks.

    1 if it has too few checks that take a second. A busy machine slows all checks: that is said
    once, and each check is judged by what is left.
    """
    found = [seconds / each.median for seconds, each in pairs if each.median >= 1]
    return statistics.median(found) if len(found) >= ENOUGH else 1.0
