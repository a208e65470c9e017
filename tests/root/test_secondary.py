"""A secondary cluster, brought up in the background."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from host import wait_for

from conformance.clusters.ownership import inventory
from conformance.clusters.ownership.state import State
from conformance.common.errors import HarnessError
from conformance.common.redaction import Redactor
from conformance.common.settings import Settings
from conformance.components.builder import Components
from conformance.platform.secondary import SecondaryClusters
from conformance.platform.site import SiteMaker


@pytest.fixture
def components() -> Iterator[Components]:
    made = Components(Settings())
    yield made
    made.close()


def test_a_secondary_cluster_is_there_once_and_goes_at_the_end(
    tmp_path: Path, components: Components
) -> None:
    settings = Settings(cluster="embedded", cluster_name="one", state_dir=tmp_path / "state")
    secondary = SecondaryClusters(SiteMaker(settings, components, Redactor(), print))
    try:
        site = secondary.begin("testing").result()
        assert secondary.begin("testing").result() is site
        assert site.kube.list("v1", "Node")[0]["metadata"]["name"] == "one-testing-node"
        assert site.registry.tags("docker.io/stackspin/notes") == []
    finally:
        secondary.close()
    assert inventory.clusters(settings.state_dir) == []


@pytest.mark.parametrize("sign", ["owner.json", "disk/var/log/node/etcd.log"])
def test_a_cluster_that_still_starts_at_the_end_fails_and_leaves_nothing(
    tmp_path: Path, components: Components, sign: str
) -> None:
    settings = Settings(cluster="embedded", cluster_name="one", state_dir=tmp_path / "state")
    said: list[str] = []
    secondary = SecondaryClusters(SiteMaker(settings, components, Redactor(), said.append))
    folder = State(settings.state_dir).folder("one-testing")
    try:
        site = secondary.begin("testing")
        wait_for((folder.path / sign).exists)
        record = folder.read()
    finally:
        secondary.close()
    assert isinstance(site.exception(0), HarnessError)
    assert said == []
    assert not folder.path.exists()
    assert record
    assert not Path("/sys/class/net", record.link.host_device).exists()


def test_a_cluster_that_is_prepared_starts_when_it_is_begun(
    tmp_path: Path, components: Components
) -> None:
    settings = Settings(
        cluster="kind", docker="start", cluster_name="one", state_dir=tmp_path / "state"
    )
    secondary = SecondaryClusters(SiteMaker(settings, components, Redactor(), print))
    try:
        secondary.prepare("testing")
        secondary.wait_connected("testing")  # by its engine alone: nothing has been begun
        assert secondary.kubes() == {}
        site = secondary.begin("testing").result()
        assert site.kube.list("v1", "Node")[0]["metadata"]["name"] == "one-testing-control-plane"
        secondary.prepare("unneeded")
    finally:
        secondary.close()
    with pytest.raises(HarnessError, match="being taken away"):
        secondary.begin("late")
    assert inventory.clusters(settings.state_dir) == []
