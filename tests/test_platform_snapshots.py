"""Which clusters begin with a snapshot, and when one is made."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest

from conformance.clusters import probe
from conformance.clusters.base import Cluster
from conformance.clusters.embedded.cluster import EmbeddedCluster
from conformance.clusters.snapshots.store import Origin, Snapshot, SnapshotStore
from conformance.common import disk_space
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

    def become_snapshot(
        self, store: SnapshotStore, kind: str, key: str, origin: Origin | None = None
    ) -> None:
        self.done.append(f"{self.name}: snapshot")
        with store.making(kind, key, self.name, origin) as folder:
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


@dataclass
class Disks:
    """The disks of the cache and of clusters' state: what is free there, in GB."""

    cache: float = 50.0
    state: float | None = None
    """None: it is one disk."""

    def free(self, folder: Path) -> int:
        """Return the bytes that are free."""
        on_state = self.state is not None and folder.name == "state"
        return int((self.state if on_state else self.cache) * 1e9)


@pytest.fixture(autouse=True)
def disks(monkeypatch: pytest.MonkeyPatch) -> Disks:
    made = Disks()
    monkeypatch.setattr(disk_space, "free", made.free)
    monkeypatch.setattr(snapshots, "same_disk", lambda *_: made.state is None)
    return made


@pytest.fixture
def said(maker: SiteMaker) -> list[str]:
    """What the user is told."""
    lines: list[str] = []
    object.__setattr__(maker, "say", lines.append)
    return lines


def node(maker: SiteMaker, name: str = "one") -> Node:
    return Node(replace(maker.settings, cluster_name=name), maker.components)


def test_one_is_made_once_on_a_cluster_of_its_own(
    maker: SiteMaker, kind: Kind, said: list[str]
) -> None:
    start(maker, node(maker), kind)
    start(maker, node(maker, "two"), kind)
    assert said[-1].startswith("cluster two: a fork of snapshot apps made at ")
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


def test_without_room_none_is_made_and_the_platform_is_installed(
    maker: SiteMaker, kind: Kind, disks: Disks, said: list[str]
) -> None:
    disks.cache = 8.9
    make_if_missing(maker, node(maker), kind)
    start(maker, node(maker), kind)
    assert Node.done == ["one: afresh"]
    [line, same] = said
    assert line == same
    assert "no snapshot of kind apps is made" in line
    assert "about 4.0 GB" in line
    assert "the run (5.0 GB): 9.0 GB are needed in" in line
    assert "8.9 GB are free" in line
    assert "components prune" in line
    disks.cache = 9.0
    start(maker, node(maker), kind)
    assert Node.done[-1] == "one: fork of stackspin-snapshot"


@pytest.mark.parametrize(("cache", "state"), [(50.0, 8.9), (8.9, 50.0)])
def test_both_disks_are_asked_for_room(
    maker: SiteMaker, kind: Kind, disks: Disks, cache: float, state: float
) -> None:
    disks.cache, disks.state = cache, state
    start(maker, node(maker), kind)
    assert Node.done == ["one: afresh"]


def test_what_was_installed_is_measured_before_it_is_copied_to_another_disk(
    maker: SiteMaker,
    kind: Kind,
    disks: Disks,
    said: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(snapshots, "disk_usage", lambda _: 6_000_000_000)
    disks.cache, disks.state = 10.0, 50.0
    start(maker, node(maker), kind)
    assert Node.done == [
        "stackspin-snapshot: afresh",
        "stackspin-snapshot: installed",
        "stackspin-snapshot: deleted",
        "one: afresh",
    ]
    assert "about 6.0 GB" in said[-1]
    disks.state = None  # moved, not copied
    start(maker, node(maker), kind)
    assert Node.done[-1] == "one: fork of stackspin-snapshot"


def test_where_one_is_required_the_room_for_another_does_not_matter(
    maker: SiteMaker, kind: Kind, disks: Disks
) -> None:
    start(maker, node(maker), kind)
    disks.cache = 0.1
    start(replace(maker, snapshot="require"), node(maker), kind)
    assert Node.done[-1] == "one: fork of stackspin-snapshot"


def test_a_new_one_takes_the_place_of_an_older_one_that_nobody_uses(
    maker: SiteMaker,
    kind: Kind,
    said: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The older one is of another checkout, and as large as the room that lacks."""
    store = SnapshotStore(maker.settings.cache_dir)
    with store.making("apps", "b" * 64, "older", Origin("/elsewhere", "code")) as older:
        (older / "disk").mkdir()
    monkeypatch.setattr(
        disk_space, "free", lambda _: 8_000_000_000 if older.exists() else 12_000_000_000
    )
    monkeypatch.setattr(SnapshotStore, "usual_size", lambda *_: 5_000_000_000)
    used = store.find("apps", "b" * 64)
    assert used is not None
    start(maker, node(maker), kind)
    assert Node.done == ["one: afresh"]
    assert older.is_dir()
    used.close()
    start(maker, node(maker), kind)
    assert Node.done[-1] == "one: fork of stackspin-snapshot"
    assert f"removed snapshot {older.name}: the disk has no room for another one" in said[-3]


def test_a_run_removes_what_this_checkout_made_of_other_code(
    maker: SiteMaker, kind: Kind, said: list[str]
) -> None:
    """When it makes a snapshot, before it installs, and when it finds one."""
    store = SnapshotStore(maker.settings.cache_dir)
    here = snapshots.origin(maker)
    for _ in range(2):
        with store.making("platform", KEY, "older", Origin(here.checkout, "other")) as older:
            (older / "disk").mkdir()
        start(maker, node(maker), kind)
        assert Node.done[-1] == "one: fork of stackspin-snapshot"
        assert not older.exists()
        assert older.name in said[0]
        said.clear()
    [left] = (maker.settings.cache_dir / "snapshots").iterdir()
    assert left.name.startswith("apps-")


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
    maker = SiteMaker(settings, Components(settings), Redactor(), print)
    origins = [snapshots.origin(replace(maker, root=root)) for root in (one, same, other)]
    assert len({each.checkout for each in origins}) == 3
    assert [each.code == origins[0].code for each in origins] == [True, True, False]
