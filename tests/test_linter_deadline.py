"""A bound on time ends what it is about, and nothing else."""

from __future__ import annotations

import threading
import time

import pytest

from conformance.linter.deadline import CPU, TooLongError, alarmed, at_most


def work(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_the_time_of_another_thread_ends_nothing_in_this_one() -> None:
    ended: list[str] = []

    def beside() -> None:
        with at_most(0.05, CPU):
            work(0.3)
        ended.append("beside")

    other = threading.Thread(target=beside)
    with alarmed(CPU):
        other.start()
        work(0.2)
        other.join()
        with pytest.raises(TooLongError), at_most(0.05, CPU):
            work(60)
    assert ended == ["beside"]
