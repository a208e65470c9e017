"""Secondary clusters, as far as they wait for each other; real ones: tests/root."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from conformance.common.errors import HarnessError
from conformance.common.redaction import Redactor
from conformance.common.settings import Settings
from conformance.components.builder import Components
from conformance.components.waiting import seconds_waited, waiting_for_build
from conformance.platform import secondary, site
from conformance.platform.secondary import SecondaryClusters
from conformance.platform.site import SiteMaker


class Stuck:
    """A cluster whose start waits for what does not come, a build for instance."""

    connected = False

    def __init__(self) -> None:
        self.starting = threading.Event()
        self.cancelled = False
        self.over = threading.Event()

    def prepare(self) -> None:
        return

    def start(self) -> None:
        with waiting_for_build():
            self.starting.set()
            self.over.wait(60)
        raise HarnessError("stopped")

    def cancel(self) -> None:
        self.cancelled = True

    def delete(self) -> None:
        raise AssertionError("its thread has it")


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> Stuck:
    made = Stuck()
    monkeypatch.setattr(site, "make_cluster", lambda *_: made)
    return made


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def clusters(tmp_path: Path, stuck: Stuck, said: list[str]) -> SecondaryClusters:  # noqa: ARG001
    settings = Settings(cache_dir=tmp_path, state_dir=tmp_path / "state")
    return SecondaryClusters(SiteMaker(settings, Components(settings), Redactor(), said.append))


def test_the_end_of_a_run_does_not_wait_for_a_start_that_is_stuck(
    clusters: SecondaryClusters, stuck: Stuck, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secondary, "UNDO_SECONDS", 0.2)
    site = clusters.begin("testing")
    assert stuck.starting.wait(20)
    started = time.monotonic()
    clusters.close()
    assert time.monotonic() - started < 20
    assert stuck.cancelled
    assert "cluster stackspin-testing: gave up waiting, 0.2 s after" in said[0]
    stuck.over.set()
    assert isinstance(site.exception(20), HarnessError)


def test_nobody_waits_for_the_network_of_a_cluster_that_was_not_begun(
    clusters: SecondaryClusters, stuck: Stuck
) -> None:
    clusters.prepare("testing")
    with pytest.raises(HarnessError, match="joins the network when it starts"):
        clusters.wait_connected("testing")
    stuck.over.set()
    clusters.begin("testing")
    clusters.wait_connected("testing")


def test_who_waits_for_a_cluster_waits_for_the_parts_it_builds(
    clusters: SecondaryClusters, stuck: Stuck
) -> None:
    site = clusters.begin("restore")
    assert stuck.starting.wait(10)
    before = seconds_waited()
    with site.awaited():
        stuck.over.set()
        site.exception(10)
    assert seconds_waited() > before
