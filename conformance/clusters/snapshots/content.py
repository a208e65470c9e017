"""The content of a snapshot, listed when it is made and compared before it is used.

A file is not read again that has the size, time and inode that it had when its hash was taken: it
takes seconds to read gigabytes, and a fork shall be there in seconds. What forks get a copy of is
read anyway, and always compared by its hashes. (Git trusts the files of its index the same way.)
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

Listing = dict[str, list[Any]]
"""Path below the snapshot -> what is known of it, as JSON has it; see ``_facts``."""
ALWAYS_READ = "disk/"


class DamagedError(Exception):
    """The content is not what it was when it was listed; the text says what is wrong."""


def listed(folder: Path, names: tuple[str, ...]) -> Listing:
    """Return what there is below these folders of a snapshot, with the hash of each file."""
    found = {path: _facts(status, folder / path) for path, status in _walk(folder, names)}
    _hash(folder, [path for path, facts in found.items() if facts[0] == "file"], found)
    return found


def compare(folder: Path, names: tuple[str, ...], wanted: Mapping[str, list[Any]]) -> None:
    """Raise DamagedError if something is missing, has changed or does not belong there."""
    found: Listing = {}
    doubtful: list[str] = []
    for path, status in _walk(folder, names):
        if path not in wanted:
            raise DamagedError(f"{path} does not belong there")
        facts, known = _facts(status, folder / path), wanted[path]
        if facts[0] != "file" or facts[1] != known[1]:  # its size, say: no need to read it
            _must_be(path, facts, known)
        elif path.startswith(ALWAYS_READ) or facts[2] != known[2]:
            doubtful.append(path)
        found[path] = facts
    if missing := wanted.keys() - found.keys():
        raise DamagedError(f"{min(missing)} is missing")
    _hash(folder, doubtful, found)
    for path in doubtful:
        _must_be(path, [*found[path][:2], *found[path][3:]], [*wanted[path][:2], *wanted[path][3:]])


def _must_be(path: str, found: list[Any], wanted: list[Any]) -> None:
    if found != wanted:
        raise DamagedError(f"{path} has changed")


def _facts(status: os.stat_result, path: Path) -> list[Any]:
    """Return kind, what never changes, and of a file what is not to change; its hash follows."""
    owner = [stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid]
    if stat.S_ISREG(status.st_mode):
        return ["file", [*owner, status.st_size], [status.st_mtime_ns, status.st_ino]]
    if stat.S_ISLNK(status.st_mode):
        return ["link", str(path.readlink())]
    if stat.S_ISDIR(status.st_mode):
        return ["folder", owner]
    return ["other", [status.st_mode, status.st_rdev]]


def _walk(folder: Path, names: tuple[str, ...]) -> Iterator[tuple[str, os.stat_result]]:
    waiting = [name for name in names if (folder / name).is_dir()]
    while waiting:
        place = waiting.pop()
        with os.scandir(folder / place) as entries:
            for entry in entries:
                path = f"{place}/{entry.name}"
                yield path, entry.stat(follow_symlinks=False)
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(path)


def _hash(folder: Path, paths: list[str], facts: Listing) -> None:
    """Add its hash to what is known of each file; hard links of one file are read once."""
    first: dict[int, str] = {facts[path][2][1]: path for path in paths}
    longest = sorted(first.values(), key=lambda path: -facts[path][1][-1])
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        read = dict(
            zip(longest, threads.map(lambda path: _sha256(folder / path), longest), strict=True)
        )
    for path in paths:
        facts[path].append(read[first[facts[path][2][1]]])


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
