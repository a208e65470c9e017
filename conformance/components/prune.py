"""What the cache holds that no run needs any more, taken away.

- Go's modules and compiled packages, four fifths of a first run's cache, are only there to build
  parts; once none is left to build they go.
- A part of another version of the suite goes when no run has used it for 30 days.
- Parts have large files in common, such as the layer that images are built on: one copy stays.

Parts of this version stay, each run uses them; so do the layers of image builds, on which each run
builds the apps' images.
"""

from __future__ import annotations

import contextlib
import filecmp
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from conformance.common.errors import HarnessError
from conformance.common.locks import alone
from conformance.components import golang
from conformance.components.store import Store

UNUSED_DAYS = 30
_DAY = 86400.0
_LARGE = 1 << 20
"""Bytes from which on a second copy of a file counts."""


@dataclass(frozen=True)
class Pruned:
    """One thing that was taken away."""

    what: str
    size: int
    """Bytes of disk that it took."""


def prune(cache: Path, store: Store, keep: Iterable[str]) -> Iterator[Pruned]:
    """Take away all of it; ``keep`` are the keys of this version's parts."""
    yield from prune_go(cache, store)
    yield from prune_parts(store, keep)
    yield from share_copies(store)


def prune_go(cache: Path, store: Store) -> Iterator[Pruned]:
    """Remove Go's caches, unless somebody builds with them.

    HarnessError: they are a disk of their own, or somebody else's.
    """
    if not golang.are_there(cache):
        return
    caches = cache / golang.CACHES
    with store.temporary("pruned-") as folder:
        with alone(cache / golang.LOCK) as free:
            if not free:
                return
            try:
                caches.rename(folder / "go")  # who builds from now on begins with empty ones
            except OSError as error:
                raise HarnessError(f"{caches} cannot be removed: {error.strerror}") from None
        size = disk_usage(folder)
    yield Pruned("Go's modules and compiled packages", size)


def prune_parts(store: Store, keep: Iterable[str]) -> Iterator[Pruned]:
    """Remove parts whose key is not one to ``keep``, and which no run used for ``UNUSED_DAYS``."""
    keep = set(keep)
    before = time.time() - UNUSED_DAYS * _DAY
    for part in list(store.entries()):
        name, key = part["name"], part["key"]
        if key in keep:
            continue
        with store.lock(name, key, lambda _: None), contextlib.suppress(FileNotFoundError):
            if store.last_used(name, key) < before:
                size = disk_usage(store.entry(name, key))
                store.discard(name, key)
                yield Pruned(f"{name}, which no run used for {UNUSED_DAYS} days", size)


def share_copies(store: Store) -> Iterator[Pruned]:
    """Have large files that are the same in several parts only once, by hard links."""
    first: dict[tuple[str, str], Path] = {}
    with store.temporary("sharing-") as folder:
        for path, content, size in _large_files(store):
            original = first.setdefault(content, path)
            with contextlib.suppress(OSError):  # the part has gone, or this disk has no links
                if _replace(path, original, folder / "link"):
                    yield Pruned("second copies of files", size)


def _large_files(store: Store) -> Iterator[tuple[Path, tuple[str, str], int]]:
    for part in store.entries():
        files = store.entry(part["name"], part["key"]) / "files"
        for name, file in part["files"].items():
            if file.get("size", 0) >= _LARGE:
                yield files / name, (file["sha256"], file["mode"]), file["size"]


def _replace(path: Path, original: Path, link: Path) -> bool:
    """Make ``path`` the same file as ``original`` in one step; return False if it is, or differs.

    The ``link`` is made elsewhere: what is between the files of a part makes it corrupt.
    """
    if path.samefile(original) or not filecmp.cmp(original, path, shallow=False):
        return False
    link.hardlink_to(original)
    link.replace(path)
    return True


def disk_usage(folder: Path) -> int:
    """Return the bytes of disk that what is below ``folder`` takes; what has links, once."""
    seen: set[int] = set()
    size = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                status = Path(parent, name).lstat()
                if status.st_nlink == 1 or status.st_ino not in seen:
                    seen.add(status.st_ino)
                    size += status.st_blocks * 512
    return size
