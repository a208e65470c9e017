"""``cluster push`` puts images into the registry that a cluster tells of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conformance.cli import cluster_push
from conformance.clusters import base
from conformance.clusters.base import Cluster
from conformance.common.errors import HarnessError
from conformance.components.catalogue import CATALOGUE
from conformance.components.parts import ImagePart


class FakeCluster:
    name = "annex"
    registry: str | None = "127.0.0.1:5000"
    image_registry = Cluster.image_registry
    push_image = Cluster.push_image

    def __init__(self, settings: Any) -> None:
        self.settings = settings

    def start(self) -> None:
        pass

    def delete(self) -> None:
        pass


class FakeComponents:
    required: tuple[str, ...] = ()

    def __init__(self, settings: Any) -> None:
        del settings

    def require(self, *names: str) -> None:
        type(self).required = names

    def image_layout(self, name: str) -> Path:
        return Path(name)

    def image_reference(self, name: str) -> str:
        found = CATALOGUE[name]
        assert isinstance(found, ImagePart)
        return found.reference

    def close(self) -> None:
        pass


@pytest.fixture
def pushed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What was put into which registry."""
    found: list[tuple[str, str]] = []

    class FakeRegistry:
        def __init__(self, host: str) -> None:
            self.host = host

        def push_layout(self, layout: Path, reference: str) -> None:
            assert CATALOGUE[layout.name].reference == reference  # type: ignore[attr-defined]
            found.append((self.host, reference))

    monkeypatch.setattr(cluster_push, "ExistingCluster", FakeCluster)
    monkeypatch.setattr(cluster_push, "Components", FakeComponents)
    monkeypatch.setattr(base, "Registry", FakeRegistry)
    return found


def test_the_images_that_are_named_are_pushed(
    pushed: list[tuple[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    cluster_push.push_images(["image-mariadb"], None, None)
    assert pushed == [("127.0.0.1:5000", "docker.io/library/mariadb:10.11")]
    assert FakeComponents.required == ("image-mariadb",)
    assert capsys.readouterr().out == "docker.io/library/mariadb:10.11\n"


def test_by_default_all_images_of_a_stackspin_are_pushed(pushed: list[tuple[str, str]]) -> None:
    cluster_push.push_images([], None, None)
    names = {reference.rpartition("/")[2].partition(":")[0] for _, reference in pushed}
    assert {"pause", "hydra", "kratos", "velero", "traefik", "mariadb", "postgresql"} <= names


def test_a_cluster_without_a_registry_is_refused(
    pushed: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeCluster, "registry", None)
    with pytest.raises(HarnessError, match="cluster annex has no registry"):
        cluster_push.push_images([], None, None)
    assert pushed == []


@pytest.mark.parametrize(
    ("name", "message"), [("kratos", "kratos is not an image"), ("image-kratoz", "no component")]
)
def test_what_is_not_an_image_is_refused(name: str, message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        cluster_push.push_images([name], None, None)
