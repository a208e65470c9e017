"""Whether something holds soon of which no event tells: where nothing can be watched."""

from __future__ import annotations

import time
from collections.abc import Callable


def soon(holds: Callable[[], bool], *, within: float) -> bool:
    """Return whether something holds within so many seconds.

    Given up only for what was looked at after that: a look may take longer than the time.
    """
    deadline = time.monotonic() + within
    while True:
        late = time.monotonic() > deadline
        if (held := holds()) or late:
            return held
