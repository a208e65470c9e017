"""A process that ends when the one that has started it is killed."""

from __future__ import annotations

import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1


def end_with(parent: int) -> None:
    """Have this process get SIGTERM once ``parent``, which has started it, is gone."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # gone before that
        os.kill(os.getpid(), signal.SIGTERM)
