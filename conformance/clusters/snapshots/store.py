"""The snapshots in the cache: found, verified, made, and removed when nobody uses them.

    snapshots/KIND-KEY-RANDOM/                disk/, blobs/, layers/: see disk.py
    snapshots/KIND-KEY-RANDOM/files.json      what is in them
    snapshots/KIND-KEY-RANDOM/manifest.json   what it is; written last: before that, it is none

Whoever makes or uses one holds a lock on its folder, forks for as long as they live: they show its
layers. So what is locked is never removed, and what has neither lock nor manifest was left by a
process that was killed.

Code that has changed makes another snapshot. The one before would fit again only if the checkout
got exactly its old code back, and then it is made in minutes: it goes, with its gigabytes.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from conformance.clusters.snapshots import content
from conformance.clusters.snapshots.content import DamagedError
from conformance.components.prune import disk_usage

_DAY = 86400.0
MAXIMUM_AGE = 60 * _DAY
"""Seconds. The certificates in it hold longer than that, by twice as much."""
UNUSED_AGE = 7 * _DAY
"""Seconds after whose last use a snapshot is pruned."""
KEPT = 2
"""How many of each kind stay, those used last: who changes the suite makes one after another."""
_CONTENT = ("disk", "blobs", "layers")
_KEY_LENGTH = 16
WITH_APPS = "apps"
"""The kind of snapshot that has the reference apps."""
_MANIFEST, _FILES = "manifest.json", "files.json"


@dataclass(frozen=True)
class Origin:
    """The code that makes a snapshot."""

    checkout: str
    """The folder that it is in."""
    code: str
    """A hash of it and of what it installs, whatever the run's options are."""


@dataclass(frozen=True)
class Snapshot:
    """A verified snapshot; it stays where it is until ``lock``, a descriptor, is closed."""

    path: Path
    kind: str
    node: str
    """The name of its node."""
    made: float
    """Seconds since the epoch."""
    lock: int

    @property
    def layers(self) -> Path:
        """The unpacked layers of images."""
        return self.path / "layers"

    def __str__(self) -> str:
        at = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(self.made))
        return f"snapshot {self.kind} made at {at}"

    def close(self) -> None:
        """Let it be removed, unless another one uses it."""
        os.close(self.lock)


class SnapshotStore:
    """The snapshots below a cache; ``say`` gets a line about each that is found damaged."""

    def __init__(self, cache: Path, say: Callable[[str], None] = print) -> None:
        self._folder = cache / "snapshots"
        self._say = say

    def find(self, kind: str, key: str) -> Snapshot | None:
        """Return the newest snapshot that was made of just this, verified and locked.

        One that is damaged is never used again.
        """
        for path in sorted(self._named(f"{kind}-{key[:_KEY_LENGTH]}-"), key=_made, reverse=True):
            lock = _lock(path, fcntl.LOCK_SH)
            if lock is None:
                continue
            try:
                if found := self._verified(path, key, lock):
                    (path / _MANIFEST).touch()  # used now
                    lock = None
                    return found
            except DamagedError as error:
                self._say(f"{path.name} is damaged and will be made anew: {error}")
                (path / _MANIFEST).unlink(missing_ok=True)
            finally:
                if lock is not None:
                    os.close(lock)
        return None

    @contextlib.contextmanager
    def making(
        self, kind: str, key: str, node: str, origin: Origin | None = None
    ) -> Iterator[Path]:
        """Yield the folder of a new snapshot; it is one when the body has ended well.

        Without ``origin`` no other code of its checkout replaces it.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.sweep()
        prefix = f"{kind}-{key[:_KEY_LENGTH]}-"
        with self._alone():
            path = Path(tempfile.mkdtemp(prefix=prefix, dir=self._folder))
            lock = _lock(path, fcntl.LOCK_EX)
        assert lock is not None  # noqa: S101 - nobody else locks what has no manifest
        try:
            yield path
            self._complete(path, kind, key, node, origin)
        except BaseException:
            shutil.rmtree(path, ignore_errors=True)
            raise
        finally:
            os.close(lock)

    def sweep(self) -> None:
        """Remove what is no snapshot and what nobody is making one of."""
        self._remove(lambda path: not (path / _MANIFEST).exists())

    def prune(self, unused: float = UNUSED_AGE, *, new: str = "") -> list[str]:
        """Remove snapshots not used for ``unused`` seconds, those too old, and of each kind all but
        the ``KEPT`` used last; return their names. One that a cluster uses stays.

        The kind ``new`` is about to get another one, which counts.
        """
        self.sweep()
        now = time.time()
        surplus = {
            path for kind, paths in self._by_use().items() for path in paths[KEPT - (kind == new) :]
        }
        return self._remove(
            lambda path: (
                path in surplus or _used(path) < now - unused or _made(path) < now - MAXIMUM_AGE
            )
        )

    def replace(self, origin: Origin) -> list[str]:
        """Remove what the same checkout made with other code, of any kind; return the names.

        One that a cluster uses stays.
        """

        def is_outdated(path: Path) -> bool:
            made_by = _manifest(path).get("origin") or {}
            same = made_by.get("checkout") == origin.checkout
            return same and made_by.get("code") != origin.code

        return self._remove(is_outdated)

    def free(self, kind: str, enough: Callable[[], bool]) -> list[str]:
        """Remove snapshots of a kind until there is ``enough`` room, the one used longest ago
        first; return the names. One that a cluster uses stays.
        """
        removed: list[str] = []
        for path in reversed(self._by_use().get(kind, [])):
            if enough():
                break
            removed += self._remove(path.__eq__)
        return removed

    def usual_size(self, kind: str) -> int | None:
        """Return the bytes of disk that the newest of a kind takes; None: none of them tells."""
        newest_first = sorted(self._named(f"{kind}-"), key=_made, reverse=True)
        sizes = (_manifest(path).get("size") for path in newest_first)
        return next((one for one in sizes if isinstance(one, int)), None)

    def _by_use(self) -> dict[str, list[Path]]:
        """Return the snapshots of each kind, the one used last first."""
        kinds: dict[str, list[Path]] = {}
        for path in sorted(self._named(), key=_used, reverse=True):
            kinds.setdefault(path.name.partition("-")[0], []).append(path)
        return kinds

    def _verified(self, path: Path, key: str, lock: int) -> Snapshot | None:
        if not (path / _MANIFEST).exists():
            return None
        try:
            manifest = json.loads((path / _MANIFEST).read_text(encoding="utf-8"))
            files = (path / _FILES).read_bytes()
            made, same = float(manifest["made"]), manifest["key"] == key
            kind, node = str(manifest["kind"]), str(manifest["node"])
            if manifest["files"] != hashlib.sha256(files).hexdigest():
                raise DamagedError(f"{_FILES} has changed")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DamagedError(f"its manifest cannot be read: {error}") from None
        if not same or not 0 <= time.time() - made < MAXIMUM_AGE:
            return None
        content.compare(path, _CONTENT, json.loads(files))
        return Snapshot(path, kind, node, made, lock)

    def _complete(self, path: Path, kind: str, key: str, node: str, origin: Origin | None) -> None:
        files = json.dumps(content.listed(path, _CONTENT)).encode()
        (path / _FILES).write_bytes(files)
        os.sync()  # a manifest that outlives a power cut is that of files that do, too
        manifest = {
            "kind": kind,
            "key": key,
            "node": node,
            "made": time.time(),
            "size": disk_usage(path),
            "origin": asdict(origin) if origin else None,
            "files": hashlib.sha256(files).hexdigest(),
        }
        new = path / f"{_MANIFEST}.new"
        new.write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        new.rename(path / _MANIFEST)

    def _remove(self, wanted: Callable[[Path], bool]) -> list[str]:
        removed = []
        with self._alone():
            for path in self._named():
                if wanted(path) and (lock := _lock(path, fcntl.LOCK_EX)) is not None:
                    try:
                        (path / _MANIFEST).unlink(missing_ok=True)  # no snapshot from here on
                        shutil.rmtree(path, ignore_errors=True)
                        removed.append(path.name)
                    finally:
                        os.close(lock)
        return removed

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep others from removing what was made a moment ago and is not locked yet."""
        if not self._folder.is_dir():
            yield
            return
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _named(self, prefix: str = "") -> list[Path]:
        return [path for path in self._folder.glob(f"{prefix}*") if path.is_dir()]


def _lock(path: Path, how: int) -> int | None:
    """Return a descriptor that holds a folder's lock; None if another has it or it is gone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _manifest(path: Path) -> dict[str, Any]:
    """Return what a snapshot is, for those who look which may go; nothing if that is unreadable."""
    try:
        found = json.loads((path / _MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _made(path: Path) -> float:
    made = _manifest(path).get("made")
    return made if isinstance(made, float) else 0.0


def _used(path: Path) -> float:
    try:
        return (path / _MANIFEST).stat().st_mtime
    except FileNotFoundError:
        return 0.0
