"""Data that an app's containers have written into their own file systems: gone with the pod.

Seen from the node, so that nothing is needed in the app's images. What a container writes lies in
the upper folder of its overlay: https://docs.kernel.org/filesystems/overlayfs.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from conformance.kube.objects import Object, Objects

if TYPE_CHECKING:
    from conformance.clusters.base import Cluster

_MOUNTS = """
for group in /proc/[0-9]*/cgroup; do
  if grep -q "$1" "$group" 2>/dev/null; then
    cat "${group%/cgroup}/mountinfo" && exit
  fi
done
exit 1
"""
_WRITTEN = """
cd "$1" || exit
shift
find . -type f ! -empty -print | head -n 5000 | while IFS= read -r file; do
  for layer in "$@"; do
    cmp -s "$file" "$layer/$file" && continue 2
  done
  printf '%s\\n' "$file"
done
"""
"""Files of the upper folder, but for those that the image has with the same content: who changes
only a file's mode or owner has all of it copied there."""
_TRANSIENT = tuple(
    PurePosixPath(one)
    for one in (
        "/dev", "/etc", "/proc", "/run", "/sys", "/var/cache", "/var/lock", "/var/log", "/var/run",
    )
)  # fmt: skip
"""Where nobody looks for data; nor below a ``tmp``. Configuration is written anew at each start."""
_TRANSIENT_NAMES = frozenset({".cache", "__pycache__", "cache", "log", "logs", "tmp"})
_TRANSIENT_SUFFIXES = (".pid", ".pyc", ".lock", ".log")
_OCTAL = re.compile(r"\\([0-7]{3})")
_SHOWN = 5
"""Files of a container that are named."""


class NoOverlay(LookupError):
    """The node does not tell what a container has written."""


@dataclass(frozen=True)
class OwnFileSystem:
    """A container's own file system: what it does not share with anybody."""

    upper: str
    """Folder on the node with what the container has written."""
    lowers: tuple[str, ...]
    """Folders on the node with the layers of its image."""
    mounts: tuple[str, ...]
    """Paths in the container at which something else is mounted."""


def stray_data(cluster: Cluster, pods: Iterable[Object]) -> list[str]:
    """Return what each container of these pods has written outside of its volumes, a line each.

    Needs ``Feature.NODE_SHELL``. Raises ``NoOverlay``.
    """
    lines = []
    for pod in pods:
        for status in _running(pod):
            files = written(cluster, status["containerID"].rpartition("/")[2])
            if files:
                more = [f"and {len(files) - _SHOWN} more"] if len(files) > _SHOWN else []
                names = ", ".join([*files[:_SHOWN], *more])
                lines.append(f"{pod['metadata']['name']}/{status['name']}: {names}")
    return lines


def written(cluster: Cluster, container: str) -> list[str]:
    """Return the paths of data that a container has written into its own file system.

    ``container`` is its id. Raises ``NoOverlay``.
    """
    answer = cluster.node_run(["sh", "-c", _MOUNTS, "mounts", container])
    if answer.returncode:
        raise NoOverlay(f"the node has no process of container {container}")
    own = own_file_system(answer.stdout.decode(errors="replace"))
    answer = cluster.node_run(["sh", "-c", _WRITTEN, "written", own.upper, *own.lowers])
    if answer.returncode:
        raise NoOverlay(answer.stderr.decode(errors="replace").strip())
    found = answer.stdout.decode(errors="replace").splitlines()
    return sorted(path for path in (f"/{one[2:]}" for one in found) if is_data(path, own.mounts))


def own_file_system(mountinfo: str) -> OwnFileSystem:
    """Return what the text of a process' /proc/PID/mountinfo says. Raises ``NoOverlay``.

    https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html
    """
    root, mounts = "", []
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        point = _plain(before.split()[4])
        if point != "/":
            mounts.append(point)
        elif after.startswith("overlay "):
            root = after.split()[2]
    options = [one.partition("=") for one in root.split(",")]
    uppers = [_plain(value) for key, _, value in options if key == "upperdir"]
    if not uppers:
        raise NoOverlay("the container's file system is no overlay")
    # A long list of layers is given relative to the folder of all of them.
    home = PurePosixPath(uppers[0]).parent.parent
    lowers = [
        str(home / _plain(one))
        for key, _, value in options
        if key in ("lowerdir", "lowerdir+")
        for one in value.split(":")
    ]
    return OwnFileSystem(uppers[0], tuple(lowers), tuple(mounts))


def is_data(path: str, mounts: Iterable[str]) -> bool:
    """Whether a file of a container's own file system may be data, by its place and name.

    ``mounts`` are the places of volumes and of what the runtime mounts.
    """
    file = PurePosixPath(path)
    elsewhere = (*_TRANSIENT, *map(PurePosixPath, mounts))
    if any(file.is_relative_to(one) for one in elsewhere):
        return False
    return _TRANSIENT_NAMES.isdisjoint(file.parts) and file.suffix not in _TRANSIENT_SUFFIXES


def _running(pod: Object) -> Iterator[Object]:
    statuses: Objects = pod["status"].get("containerStatuses") or []
    for status in statuses:
        if "running" in status["state"]:
            yield status


def _plain(path: str) -> str:
    """Return a path of mountinfo without its octal escapes."""
    return _OCTAL.sub(lambda found: chr(int(found[1], 8)), path)
