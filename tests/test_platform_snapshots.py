"""Which clusters begin with a snapshot, and when one is made."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest

from conformance.clusters import probe
from conformance.clusters.base import Cluster
from conformance.clusters.embedded.cluster import EmbeddedCluster
from conformance.clusters.snapshots.store import Snapshot, SnapshotStore
from conformance.common.errors import HarnessError
from conformance.common.redaction import Redactor
from conformance.common.settings import Settings
from conformance.components.builder import Components
from conformance.kube.wait import WaitTimeout
from conformance.platform import snapshots
from conformance.platform.site import Site, SiteMaker
from conformance.platform.snapshots import Kind, make_if_missing, start, start_if_there

KEY = "a" * 64


class Node(EmbeddedCluster):
    """One of which nothing runs; what is done to each is written down, with its name."""

    done: ClassVar[list[str]] = []

    def start(self, snapshot: Snapshot | None = None) -> None:
        self.done.append(f"{self.name}: {f'fork of {snapshot.node}' if snapshot else 'afresh'}")

    def become_snapshot(self, store: SnapshotStore, kind: str, key: str) -> None:
        self.done.append(f"{self.name}: snapshot")
        with store.making(kind, key, self.name) as folder:
            (folder / "disk").mkdir()

    def delete(self) -> None:
        self.done.append(f"{self.name}: deleted")


@dataclass(frozen=True)
class Maker(SiteMaker):
    """Makes sites of which nothing is there."""

    def site(self, cluster: Cluster) -> Site:
        return Site(cluster, Nothing(), Nothing())  # type: ignore[arg-type]


class Nothing:
    def settle(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


@pytest.fixture
def maker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SiteMaker:
    monkeypatch.setattr(snapshots, "EmbeddedCluster", Node)
    monkeypatch.setattr(snapshots, "key", lambda *_: KEY)
    monkeypatch.setattr(Node, "done", [])
    can = probe.Finding("overlayfs", probe.Outcome.WORKS, "")
    monkeypatch.setattr(probe, "overlay", lambda _: can)
    settings = Settings(cluster="embedded", cache_dir=tmp_path, state_dir=tmp_path / "state")
    return Maker(settings, Components(settings), Redactor(), lambda _: None, snapshot="auto")


@pytest.fixture
def kind() -> Kind:
    return Kind("apps", lambda site: Node.done.append(f"{site.cluster.name}: installed"), ())


def node(maker: SiteMaker, name: str = "one") -> Node:
    return Node(replace(maker.settings, cluster_name=name), maker.components)


def test_one_is_made_once_on_a_cluster_of_its_own(maker: SiteMaker, kind: Kind) -> None:
    start(maker, node(maker), kind)
    start(maker, node(maker, "two"), kind)
    assert Node.done == [
        "stackspin-snapshot: afresh",
        "stackspin-snapshot: installed",
        "stackspin-snapshot: snapshot",
        "stackspin-snapshot: deleted",
        "one: fork of stackspin-snapshot",
        "two: fork of stackspin-snapshot",
    ]


def test_without_snapshots_the_cluster_is_started_afresh(maker: SiteMaker, kind: Kind) -> None:
    never = replace(maker, snapshot="never")
    make_if_missing(never, node(never), kind)
    start(never, node(never), kind)
    start_if_there(never, node(never), kind)
    assert Node.done == ["one: afresh", "one: afresh"]


def test_where_one_is_required_none_is_made(maker: SiteMaker, kind: Kind) -> None:
    with pytest.raises(HarnessError, match="no snapshot of kind apps fits"):
        start(replace(maker, snapshot="require"), node(maker), kind)
    make_if_missing(maker, node(maker), kind)
    start(replace(maker, snapshot="require"), node(maker), kind)
    assert Node.done[-1] == "one: fork of stackspin-snapshot"


def test_a_secondary_cluster_waits_for_none_to_be_made(maker: SiteMaker, kind: Kind) -> None:
    start_if_there(maker, node(maker), kind)
    assert Node.done == ["one: afresh"]
    make_if_missing(maker, node(maker), kind)
    start_if_there(maker, node(maker), kind)
    assert Node.done[-1] == "one: fork of stackspin-snapshot"


def test_a_node_with_a_way_out_has_none(maker: SiteMaker, kind: Kind) -> None:
    outward = replace(maker, settings=replace(maker.settings, egress=True))
    start(outward, node(maker), kind)
    assert Node.done == ["one: afresh"]
    with pytest.raises(HarnessError, match="its node would have a way out"):
        start(replace(outward, snapshot="require"), node(maker), kind)


def test_without_overlays_there_are_none(
    maker: SiteMaker, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    cannot = probe.Finding("overlayfs", probe.Outcome.ADAPTED, "not on /state")
    monkeypatch.setattr(probe, "overlay", lambda _: cannot)
    start(maker, node(maker), kind)
    assert Node.done == ["one: afresh"]
    with pytest.raises(HarnessError, match="overlayfs: not on /state"):
        start(replace(maker, snapshot="require"), node(maker), kind)


def test_what_cannot_be_installed_is_no_snapshot(maker: SiteMaker) -> None:
    def fail(_: Site) -> None:
        raise WaitTimeout("Waited 300 s for Hydra")

    with pytest.raises(HarnessError, match="could not be installed: Waited 300 s for Hydra"):
        start(maker, node(maker), Kind("apps", fail, ()))
    assert Node.done == ["stackspin-snapshot: afresh", "stackspin-snapshot: deleted"]
    assert not (maker.settings.cache_dir / "snapshots").exists()


def test_the_key_is_of_everything_that_goes_in(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = Settings(cluster="embedded", cache_dir=tmp_path, state_dir=tmp_path / "state")

    def key_of(domain: str = "stackspin.test", root: Path | None = None, *parts: str) -> str:
        with monkeypatch.context() as patch:
            if root is not None:
                patch.setattr(snapshots, "data_root", lambda: root)
            at = replace(settings, domain=domain)
            maker = SiteMaker(at, Components(at), Redactor(), print)
            return snapshots.key(maker, Kind("apps", lambda _: None, parts))

    def tree(name: str, text: str) -> Path:
        for folder in ("charts", "fixtures/apps", "fixtures/bootstrap", "fixtures/flux2"):
            (tmp_path / name / folder).mkdir(parents=True)
        (tmp_path / name / "charts/values.yaml").write_text(text)
        return tmp_path / name

    one, same, other = tree("one", "a: 1"), tree("same", "a: 1"), tree("other", "a: 2")
    keys = [key_of(root=one), key_of("example.org", one), key_of(root=other)]
    keys.append(key_of("stackspin.test", one, "image-traefik"))
    assert len(set(keys)) == 4
    assert key_of(root=same) == keys[0]
