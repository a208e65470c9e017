"""Clusters that start as forks of a snapshot, which is made first if there is none that fits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.clusters import probe
from conformance.clusters.embedded import blueprint
from conformance.clusters.embedded.cluster import EmbeddedCluster
from conformance.clusters.ownership import inventory
from conformance.clusters.ownership.state import State
from conformance.clusters.snapshots import room
from conformance.clusters.snapshots.store import Origin, SnapshotStore
from conformance.common import course, disk_space
from conformance.common.disk_space import same_disk
from conformance.common.errors import HarnessError
from conformance.common.locks import locked
from conformance.common.settings import CACHE_VARIABLE, data_root
from conformance.components.prune import disk_usage
from conformance.components.recipe import hash_folder, key_of
from conformance.components.waiting import in_thread
from conformance.kube.wait import WaitFailed
from conformance.platform.reference import levels

if TYPE_CHECKING:
    from conformance.clusters.base import Cluster
    from conformance.clusters.snapshots.store import Snapshot
    from conformance.platform.site import Site, SiteMaker
    from conformance.platform.stack import Stack

_FORMAT = 1
"""To be raised when the same inputs are to give another snapshot."""
_INSTALLED = ("charts", "fixtures/apps", "fixtures/bootstrap", "fixtures/flux2")
_CODE = ("apps", "clusters", "common", "kube", "oci", "platform", "services")
"""Packages that install, or say what is installed; more than that, rather than less."""
AUTO, NEVER, REQUIRE = "auto", "never", "require"


@dataclass(frozen=True)
class Kind:
    """What is on a cluster when a snapshot of it is made."""

    name: str
    install: Callable[[Site], None]
    components: tuple[str, ...]
    """What it is made of beside the node."""


def install_levels(stack: Stack) -> None:
    """Install all levels, those side by side that need not wait for each other."""
    backups = in_thread("backups", stack.backups)
    stack.single_sign_on()
    backups.result()


PLATFORM = Kind(
    "platform",
    lambda site: install_levels(site.stack),
    levels.images_for(levels.SINGLE_SIGN_ON, levels.BACKUPS),
)
"""All levels, and no app."""


def start(maker: SiteMaker, cluster: Cluster, kind: Kind) -> None:
    """Start a cluster: as a fork of a snapshot, unless the maker's are never that.

    With ``auto`` the snapshot is made if none fits and the disk has room, with ``require`` that is
    a HarnessError, as it is where there are none: they are of the embedded provider, of the
    reference platform, without egress. A kept cluster is taken over as it is.
    """
    why_not = _why_not(maker, cluster)
    if maker.snapshot == REQUIRE and why_not:
        raise HarnessError(f"there is no snapshot of this: {why_not}", "leave --snapshot out")
    if maker.snapshot == NEVER or why_not or _is_kept(maker, cluster):
        cluster.start()
        return
    assert isinstance(cluster, EmbeddedCluster)  # noqa: S101 - of others there is none
    snapshot = _snapshot(maker, kind)
    cluster.start(snapshot)
    if snapshot is not None:
        maker.say(f"cluster {cluster.name}: a fork of {snapshot}")


def make_if_missing(maker: SiteMaker, cluster: Cluster, kind: Kind) -> None:
    """Make a snapshot for secondary clusters beside this one, if they begin with snapshots."""
    if maker.snapshot == AUTO and not _why_not(maker, cluster):
        found = _snapshot(maker, kind)
        if found is not None:
            found.close()


def start_if_there(maker: SiteMaker, cluster: Cluster, kind: Kind) -> None:
    """Do the same, but do not make a snapshot: nobody waits for a secondary cluster that long."""
    if maker.snapshot == NEVER or not isinstance(cluster, EmbeddedCluster):
        cluster.start()
        return
    store = SnapshotStore(maker.settings.cache_dir, maker.say)
    cluster.start(None if _why_not(maker, cluster) else store.find(kind.name, key(maker, kind)))


def key(maker: SiteMaker, kind: Kind) -> str:
    """Return a hash of all that decides what is in a snapshot."""
    components = (*blueprint.PARTS, blueprint.PAUSE, "kubectl", *kind.components)
    return key_of(
        {
            "format": _FORMAT,
            "kind": kind.name,
            "domain": maker.settings.domain,
            "components": {name: maker.components.entry(name).name for name in components},
            **_code(maker, _CODE),
        }
    )


def origin(maker: SiteMaker) -> Origin:
    """Return which code makes snapshots here: of other code of this checkout none fits."""
    code = {"format": _FORMAT, **_code(maker, (*_CODE, "components"))}
    return Origin(str(_root(maker).resolve()), key_of(code))


def _code(maker: SiteMaker, packages: Iterable[str]) -> dict[str, object]:
    root, code = _root(maker), Path(__file__).parents[1]
    return {
        "installed": {name: hash_folder(root / name) for name in _INSTALLED},
        "code": {name: hash_folder(code / name) for name in packages},
    }


def _root(maker: SiteMaker) -> Path:
    return maker.root or data_root()


def _snapshot(maker: SiteMaker, kind: Kind) -> Snapshot | None:
    """Return a snapshot that fits, made if need be; None: there is no room to make one."""
    store = SnapshotStore(maker.settings.cache_dir, maker.say)
    wanted = key(maker, kind)
    found = store.find(kind.name, wanted)
    if found is not None:
        _tidy(maker, store)
        return found
    if maker.snapshot == REQUIRE:
        raise HarnessError(
            f"no snapshot of kind {kind.name} fits", "make one: --snapshot=auto instead of require"
        )
    lock = maker.settings.cache_dir / "locks" / f"snapshot-{kind.name}.lock"
    with locked(lock, "making a snapshot", lambda who: maker.say(f"waiting for {who}")):
        found = store.find(kind.name, wanted)  # made by whom we waited for
        if found is None:
            if lack := _make(maker.named_for("snapshot"), kind, store, wanted):
                maker.say(
                    f"no snapshot of kind {kind.name} is made, the platform is installed for this "
                    f"run alone: {lack}; {disk_space.remedy(CACHE_VARIABLE)}"
                )
                return None
            found = store.find(kind.name, wanted)
    if found is None:
        raise HarnessError("the new snapshot cannot be used", "look at the lines above")
    return found


def _tidy(maker: SiteMaker, store: SnapshotStore, new: str = "") -> None:
    for name in (*store.replace(origin(maker)), *store.prune(new=new)):
        maker.say(f"removed snapshot {name}: its code has changed, or no run used it lately")


def _make(maker: SiteMaker, kind: Kind, store: SnapshotStore, wanted: str) -> str:
    """Make a snapshot; return why it is not made, in words, if there is no room for it."""
    state, cache = maker.settings.state_dir, maker.settings.cache_dir
    usual = store.usual_size(kind.name) or room.GUESS  # before the one that tells is removed
    _tidy(maker, store, new=kind.name)
    for name in store.free(kind.name, lambda: not room.lack(usual, cache)):
        maker.say(f"removed snapshot {name}: the disk has no room for another one beside it")
    if lack := room.lack(usual, state) or room.lack(usual, cache):  # written there, moved here
        return lack
    maker.say(f"no snapshot of kind {kind.name} fits: installing what it is made of")
    cluster = EmbeddedCluster(maker.settings, maker.components)
    try:
        with course.telling(maker.say):
            _install(maker, kind, cluster)
        # It can be measured now. On one disk it is where it stays already.
        if not same_disk(state, cache) and (
            lack := room.lack(disk_usage(cluster.folder.disk), cache)
        ):
            return lack
        cluster.become_snapshot(store, kind.name, wanted, origin(maker))
    finally:
        cluster.delete()
    return ""


def _install(maker: SiteMaker, kind: Kind, cluster: EmbeddedCluster) -> None:
    """Bring up a cluster with all that a snapshot is made of. Raises HarnessError."""
    cluster.start()
    site = maker.site(cluster)
    try:
        kind.install(site)
        site.stack.settle()
    except WaitFailed as error:
        raise HarnessError(
            f"what a snapshot is made of could not be installed: {error}",
            "--snapshot=never installs only what is needed, while checks run",
        ) from error
    finally:
        site.stack.close()
        site.kube.close()


def _why_not(maker: SiteMaker, cluster: Cluster) -> str:
    if not isinstance(cluster, EmbeddedCluster):
        return f"the cluster is not embedded but {cluster.provider}"
    if maker.given is not None:
        return "the platform is not the reference platform"
    if maker.settings.egress:
        return "its node would have a way out"
    overlay = probe.overlay(maker.settings.state_dir)
    if overlay.outcome is not probe.Outcome.WORKS:
        return f"overlayfs: {overlay.found}"
    return ""


def _is_kept(maker: SiteMaker, cluster: Cluster) -> bool:
    state = maker.settings.state_dir
    inventory.sweep(state)
    return State(state).folder(cluster.name).path.exists()
