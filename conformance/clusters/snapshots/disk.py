"""What a snapshot has of a node's disk, and how a fork gets it.

disk/       what is copied: etcd, volumes, settings
blobs/      of images, in containerd and in the registry: hard links
layers/     of images, unpacked: shown read-only in the node, where links lead to them
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from conformance.clusters.probe import DISK_MINIMUM
from conformance.common import disk_space
from conformance.common.disk_space import size
from conformance.common.errors import HarnessError
from conformance.common.settings import STATE_VARIABLE
from conformance.components.prune import disk_usage

LAYERS = "/opt/layers"
"""Where a fork's node shows the snapshot's layers."""
_UNPACKED = "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots"
_BLOBS = {
    "containerd": "var/lib/containerd/io.containerd.content.v1.content/blobs",
    "registry": "var/lib/registry/docker/registry/v2/blobs",
}
"""In the snapshot, and in the node. Both write a blob elsewhere and give it its name at the end."""
_NOT_KEPT = ("var/log/node", "tmp")
_COPY = ("cp", "--archive", "--reflink=auto", "--sparse=always")


def take(disk: Path, snapshot: Path) -> None:
    """Move the disk of a node that was stopped into the folder of a new snapshot.

    It must not be a fork itself: its layers would be elsewhere. Raises HarnessError.
    """
    kept = snapshot / "disk"
    _run("mv", disk, kept)
    for name in _NOT_KEPT:
        shutil.rmtree(kept / name, ignore_errors=True)
    (kept / "tmp").mkdir(mode=0o1777)
    (kept / "tmp").chmod(0o1777)
    (snapshot / "blobs").mkdir()
    for name, place in _BLOBS.items():
        (kept / place).mkdir(parents=True, exist_ok=True)
        (kept / place).rename(snapshot / "blobs" / name)
    _share(snapshot / "blobs")
    (kept / _UNPACKED).rename(snapshot / "layers")


def require_room(snapshot: Path, disk: Path) -> None:
    """Raise HarnessError if the file system of a new node's ``disk`` is too full for a fork.

    An installation would not help: it takes all that a fork takes, and the layers of images, too.
    """
    copied = _copied(snapshot, disk)
    what = f"a fork of the snapshot (up to {size(copied)}) and its node ({size(DISK_MINIMUM)})"
    disk_space.require(what, copied + DISK_MINIMUM, disk.parent, STATE_VARIABLE)


def _copied(snapshot: Path, disk: Path) -> int:
    """Return the bytes of a snapshot that a fork gets a copy of, if nothing can be a reflink."""
    count = disk_usage(snapshot / "disk")
    if not disk_space.same_disk(snapshot, disk):
        count += disk_usage(snapshot / "blobs")
    return count


def fork(snapshot: Path, disk: Path) -> None:
    """Make the disk of a new node, which must not be there. Raises HarnessError."""
    _run(*_COPY, snapshot / "disk", disk)
    for name, place in _BLOBS.items():
        _link(snapshot / "blobs" / name, disk / place)
    unpacked = disk / _UNPACKED
    unpacked.mkdir(mode=0o700)
    for layer in (snapshot / "layers").iterdir():
        (unpacked / layer.name).symlink_to(f"{LAYERS}/{layer.name}")


def _share(blobs: Path) -> None:
    """Have what containerd pulled from the registry only once."""
    for blob in (blobs / "containerd").glob("sha256/*"):
        same = blobs / "registry/sha256" / blob.name[:2] / blob.name / "data"
        if same.is_file():
            blob.unlink()
            blob.hardlink_to(same)


def _link(source: Path, target: Path) -> None:
    """Have files at a second place as well; on another file system they are copied."""
    if source.stat().st_dev == target.parent.stat().st_dev:
        _run("cp", "--archive", "--link", source, target)
    else:
        _run(*_COPY, source, target)


def _run(*command: str | Path) -> None:
    answer = subprocess.run(command, check=False, capture_output=True, text=True)
    if answer.returncode:
        raise HarnessError(
            f"{' '.join(map(str, command))} failed: {answer.stderr.strip()}",
            "see that the disks of the cache and of the clusters' state have space",
        )
