"""How a run is ended from outside: by Ctrl-C, and by the SIGTERM with which a job is cancelled."""

from __future__ import annotations

import functools
import signal
from types import FrameType
from typing import Any

import pytest


def end_on_signals(config: pytest.Config) -> None:
    """End as after Ctrl-C on SIGTERM, too, taking the cluster down: so a job is cancelled."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if (previous := signal.getsignal(number)) is not signal.SIG_IGN:
            signal.signal(number, interrupt)
            config.add_cleanup(functools.partial(_restore, number, previous))


def interrupt(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001
    """End the run once: Ctrl-C comes from the terminal and from tox, and must not cut the end."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt(signal.Signals(signum).name)


def _restore(number: int, handler: Any) -> None:  # noqa: ANN401 - whatever getsignal returned
    signal.signal(number, handler)
