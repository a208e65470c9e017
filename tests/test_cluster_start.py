"""The cluster under test starts in the background, and is taken away whatever becomes of that."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from conformance.common.errors import HarnessError
from conformance.suite.cluster_start import ClusterStart


class FakeCluster:
    """Its start goes on until it is cancelled."""

    name = "c"

    def __init__(self) -> None:
        self.cancelled = threading.Event()

    def cancel(self) -> None:
        self.cancelled.set()

    def start(self) -> None:
        assert self.cancelled.wait(60)
        raise HarnessError("cancelled")


class FakeComponents:
    """Says that it was stopped."""

    stopped = False

    def stop(self) -> None:
        self.stopped = True


def test_who_needs_the_cluster_waits_for_its_start_and_is_told_why_it_failed() -> None:
    cluster: Any = FakeCluster()
    there = ClusterStart(cluster, lambda: None)
    there.start()
    there.wait()
    broken = ClusterStart(cluster, lambda: cluster.cancel() or cluster.start())
    broken.start()
    for _ in range(2):
        with pytest.raises(HarnessError, match="cancelled"):
            broken.wait()


def test_a_start_that_goes_on_at_the_end_is_cancelled_and_waited_for() -> None:
    cluster: Any = FakeCluster()
    components: Any = FakeComponents()
    begun = ClusterStart(cluster, cluster.start)
    begun.start()
    begun.cancel(components)
    assert components.stopped
    assert cluster.cancelled.is_set()
    with pytest.raises(HarnessError, match="cancelled"):
        begun.wait()


def test_a_cluster_that_is_there_is_not_cancelled_and_its_thread_stays_until_the_end() -> None:
    cluster: Any = FakeCluster()
    components: Any = FakeComponents()
    begun = ClusterStart(cluster, lambda: None)
    begun.start()
    begun.wait()
    begun.cancel(components)
    assert not components.stopped
    assert not cluster.cancelled.is_set()
    assert begun.is_alive()
    begun.end()
    begun.join(60)
    assert not begun.is_alive()
