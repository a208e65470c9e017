"""Content-addressed store of parts: verified before use, written in one step, safe to share.

    store/NAME-KEY/files/...        what was built
    store/NAME-KEY/manifest.json    sha256, size and mode of each file
    store/.tmp-NAME-KEY-.../        being built; locked by whoever builds it
    locks/NAME-KEY.lock             held while building; says by whom

A run killed at any moment leaves a temporary folder that nobody has locked: the next command
takes it away.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import stat
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from conformance.common.locks import Waiting, locked

_KEY_LENGTH = 16


class CorruptEntryError(Exception):
    """An entry's files are not those that were put there; the text says which and how."""


class Store:
    """The parts below ``folder``; one object may be used by several threads."""

    def __init__(self, folder: Path) -> None:
        self._entries = folder / "store"
        self._locks = folder / "locks"
        self._verified: set[Path] = set()
        self._verifying = threading.Lock()

    def entry(self, name: str, key: str) -> Path:
        """Return where the part is kept or will be kept."""
        return self._entries / f"{name}-{key[:_KEY_LENGTH]}"

    def has(self, name: str, key: str) -> bool:
        """Return whether the part is there, without a look at its bytes."""
        return (self.entry(name, key) / "manifest.json").exists()

    def files(self, name: str, key: str) -> Path | None:
        """Return the folder of the part's verified files, None when the part is not there.

        Files are hashed at the first call in a process. Raises CorruptEntryError.
        """
        entry = self.entry(name, key)
        with self._verifying:
            if entry not in self._verified:
                if not entry.exists():
                    return None
                _verify(entry, key)
                with contextlib.suppress(OSError):  # a cache that may only be read is none to tidy
                    os.utime(entry)
                self._verified.add(entry)
        return entry / "files"

    def entries(self) -> Iterator[dict[str, Any]]:
        """Yield what was recorded of each part that is there; who reads it may find it gone."""
        for file in sorted(self._entries.glob("[!.]*/manifest.json")):
            with contextlib.suppress(OSError, ValueError):
                manifest: dict[str, Any] = json.loads(file.read_text())
                if {"name", "key", "files"} <= manifest.keys():
                    yield manifest

    def last_used(self, name: str, key: str) -> float:
        """Return when a run used the part last, in seconds since the epoch."""
        return self.entry(name, key).stat().st_mtime

    def facts(self, name: str, key: str) -> dict[str, Any]:
        """Return what was recorded when the part was made (``recipe``) or ``pulled``."""
        text = (self.entry(name, key) / "manifest.json").read_text()
        manifest: dict[str, Any] = json.loads(text)
        return manifest

    def discard(self, name: str, key: str) -> None:
        """Take a part away; the caller holds its lock."""
        entry = self.entry(name, key)
        self._verified.discard(entry)
        if entry.exists():
            doomed = Path(tempfile.mkdtemp(prefix=".tmp-discarded-", dir=self._entries))
            entry.rename(doomed / entry.name)
            shutil.rmtree(doomed, ignore_errors=True)

    @contextlib.contextmanager
    def lock(self, name: str, key: str, waiting: Waiting) -> Iterator[None]:
        """Hold the right to build this part; ``waiting`` is told who else has it meanwhile."""
        with locked(
            self._locks / f"{self.entry(name, key).name}.lock", f"building {name}", waiting
        ):
            yield

    @contextlib.contextmanager
    def put(
        self, name: str, key: str, facts: Callable[[], dict[str, object]]
    ) -> Iterator[tuple[Path, Path]]:
        """Yield an empty folder for the part's files and one for scratch; the caller has its lock.

        When the body ends well the files become the entry in one step; else they are removed.
        ``facts`` is asked at the end what to record.
        """
        with self.temporary(f"{name}-{key[:_KEY_LENGTH]}-") as folder:
            new, scratch = folder / "entry", folder / "scratch"
            (new / "files").mkdir(parents=True)
            scratch.mkdir()
            yield new / "files", scratch
            manifest = {**facts(), "name": name, "key": key, "files": _describe(new / "files")}
            (new / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True))
            self.discard(name, key)
            new.rename(self.entry(name, key))

    @contextlib.contextmanager
    def temporary(self, label: str) -> Iterator[Path]:
        """Yield a folder beside the parts; it goes at the end, or with the next ``sweep``."""
        self._entries.mkdir(parents=True, exist_ok=True)
        with self._sweeping():
            folder = Path(tempfile.mkdtemp(prefix=f".tmp-{label}", dir=self._entries))
            folder.chmod(0o755)
            descriptor = os.open(folder, os.O_RDONLY)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(descriptor)

    def sweep(self) -> list[str]:
        """Remove temporary folders whose builder is gone; return their names."""
        swept: list[str] = []
        if not self._entries.is_dir():
            return swept
        with self._sweeping():
            for folder in self._entries.glob(".tmp-*"):
                descriptor = os.open(folder, os.O_RDONLY)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder, ignore_errors=True)
                    swept.append(folder.name)
                except BlockingIOError:
                    continue
                finally:
                    os.close(descriptor)
        return swept

    def _sweeping(self) -> contextlib.AbstractContextManager[None]:
        """Between a temporary folder's making and its lock nobody may sweep."""
        return locked(self._locks / "sweep.lock", "sweeping the cache", lambda _: None)


def _describe(files: Path) -> dict[str, dict[str, object]]:
    def one(path: Path) -> tuple[str, dict[str, object]]:
        name = str(path.relative_to(files))
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            return name, {"link": str(path.readlink())}
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        mode = f"{stat.S_IMODE(status.st_mode):04o}"
        return name, {"sha256": digest, "size": status.st_size, "mode": mode}

    paths = [path for path in files.rglob("*") if path.is_symlink() or not path.is_dir()]
    paths.sort(key=lambda path: -path.lstat().st_size)  # the longest first keeps all threads busy
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return dict(threads.map(one, paths))


def _verify(entry: Path, key: str) -> None:
    try:
        manifest = json.loads((entry / "manifest.json").read_text())
        wanted = manifest["files"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CorruptEntryError(f"its manifest cannot be read: {error}") from None
    if manifest.get("key") != key:
        raise CorruptEntryError("its manifest is another part's")
    try:
        found = _describe(entry / "files")
    except OSError as error:
        raise CorruptEntryError(f"its files cannot be read: {error}") from None
    for name in sorted({*wanted, *found}):
        if name not in found:
            raise CorruptEntryError(f"{name} is missing")
        if name not in wanted:
            raise CorruptEntryError(f"{name} does not belong there")
        if found[name] != wanted[name]:
            raise CorruptEntryError(f"{name} has changed")
