"""Few samples in few numbers."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

ENOUGH_FOR_P95 = 20
"""With fewer samples the 95th percentile is the maximum, and says nothing of its own."""


@dataclass(frozen=True)
class Summary:
    """Of one measure, over all rounds."""

    count: int
    minimum: float
    median: float
    maximum: float
    p95: float | None
    """None below ``ENOUGH_FOR_P95`` samples."""


def summarise(samples: Sequence[float]) -> Summary:
    """Summarise; the 95th percentile is by nearest rank, so it is a sample. Needs at least one."""
    ordered = sorted(samples)
    rank = math.ceil(0.95 * len(ordered))
    return Summary(
        count=len(ordered),
        minimum=ordered[0],
        median=statistics.median(ordered),
        maximum=ordered[-1],
        p95=ordered[rank - 1] if len(ordered) >= ENOUGH_FOR_P95 else None,
    )
