"""Whether something holds soon of which no event tells: where nothing can be watched."""

from __future__ import annotations

import time
from collections.abc import Callable

BACK_CHANNEL_SECONDS = 15.0
"""In which the provider has told every app of a logout. It does so beside its answer to the
browser; measured less than a tenth of a second, on a busy machine more than the browser takes."""


def soon(holds: Callable[[], bool], *, within: float = BACK_CHANNEL_SECONDS) -> bool:
    """Return whether something holds within so many seconds.

    Given up only for what was looked at after that: a look may take longer than the time.
    """
    deadline = time.monotonic() + within
    while True:
        late = time.monotonic() > deadline
        if (held := holds()) or late:
            return held
