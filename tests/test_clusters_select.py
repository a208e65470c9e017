"""The choice of a provider, and its reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.clusters import docker
from conformance.clusters.kind import cluster as kind
from conformance.clusters.select import make_cluster
from conformance.common.errors import HarnessError
from conformance.common.settings import Settings
from conformance.components.builder import Components


def choose(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    version: str | None,
    images: tuple[str, ...] = (),
    made_here: bool = False,
    **settings: str,
) -> tuple[str, str]:
    monkeypatch.setattr(docker.Engine, "version", lambda _: version)
    monkeypatch.setattr(docker.Engine, "can_get", lambda _, image: image in images)
    monkeypatch.setattr(Components, "is_present", lambda _, name: made_here and name == "kind-node")
    chosen = Settings(cache_dir=tmp_path, state_dir=tmp_path, cluster_name="mine", **settings)
    cluster = make_cluster(chosen, Components(chosen))
    return cluster.provider, cluster.choice


def test_without_an_engine_it_is_embedded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = choose(tmp_path, monkeypatch, version=None, made_here=True)
    assert found == ("embedded", "auto: no Docker engine answers")
    assert f"cluster: embedded ({found[1]}), mine" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("images", "made_here", "provider", "reason"),
    [
        ((kind.UPSTREAM_IMAGE,), False, "kind", "can get kindest/node"),
        ((), True, "kind", "built here"),
        ((), False, "embedded", "cannot get kindest/node"),
    ],
)
def test_an_engine_needs_a_node_image(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    images: tuple[str, ...],
    made_here: bool,
    provider: str,
    reason: str,
) -> None:
    found = choose(tmp_path, monkeypatch, version="29.1", images=images, made_here=made_here)
    assert found[0] == provider
    assert "29.1" in found[1]
    assert reason in found[1]


def test_the_image_that_was_asked_for_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = choose(tmp_path, monkeypatch, version="29.1", images=("mine:1",), kind_image="mine:1")
    assert found == ("kind", "auto: Docker engine 29.1 answers and can get mine:1")


def test_provider_there_is_not(tmp_path: Path) -> None:
    settings = Settings(cluster="nonsense", cache_dir=tmp_path)
    with pytest.raises(HarnessError, match="--cluster="):
        make_cluster(settings, Components(settings))


@pytest.mark.parametrize("provider", ["embedded", "kind"])
@pytest.mark.parametrize("name", ["", "Upper", "a/b", "..", "x" * 40])
def test_name_that_cannot_be_is_refused(tmp_path: Path, provider: str, name: str) -> None:
    settings = Settings(cluster=provider, cache_dir=tmp_path, cluster_name=name)
    with pytest.raises(HarnessError, match="is not a valid name for a cluster"):
        make_cluster(settings, Components(settings))


def test_kind_without_an_engine_says_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker.Engine, "version", lambda _: None)
    settings = Settings(cluster="kind", cache_dir=tmp_path, state_dir=tmp_path / "state")
    with pytest.raises(HarnessError, match="--docker=start"):
        make_cluster(settings, Components(settings)).start()
