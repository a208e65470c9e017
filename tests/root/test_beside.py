"""A cluster beside the first one, brought up in the background."""

from __future__ import annotations

from pathlib import Path

from conformance.clusters.embedded import inventory
from conformance.components.builder import Components
from conformance.kube.redaction import Redactor
from conformance.settings import Settings
from conformance.stack.beside import ClustersBeside


def test_a_cluster_beside_is_there_once_and_goes_at_the_end(tmp_path: Path) -> None:
    settings = Settings(cluster="embedded", cluster_name="one", state_dir=tmp_path / "state")
    components = Components(Settings())
    beside = ClustersBeside(settings, components, Redactor(), print)
    try:
        site = beside.begin("testing").result()
        assert beside.begin("testing").result() is site
        assert site.kube.list("v1", "Node")[0]["metadata"]["name"] == "one-testing-node"
        assert site.registry.tags("docker.io/stackspin/notes") == []
    finally:
        beside.close()
        components.close()
    assert inventory.clusters(settings.state_dir) == []
