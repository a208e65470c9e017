"""A cluster in memory on which another app is, and on which everything is there at once."""

from __future__ import annotations

import pytest
from delivered_packages import FakeKube, a_cluster, without_waiting

from conformance.kube.wait import Wait


@pytest.fixture
def kube() -> FakeKube:
    """The API of the cluster."""
    return a_cluster()


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> list[Wait]:
    """What was awaited, and was there at once."""
    return without_waiting(monkeypatch)
