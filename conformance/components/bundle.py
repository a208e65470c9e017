"""Parts of the cache in one file, for other machines: a tar archive, compressed by zstd.

    parts/NAME.json    what the store recorded of a part: key, and each file's hash, size and mode
    files/SHA256       one file's bytes, once, whichever parts have it

Whoever reads it believes nothing but hashes: names in the archive are of these two forms, bytes
have the hash that their name says, and files stay inside their part. Nothing is put into the store
before the whole archive was read.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import re
import shutil
import stat
import subprocess
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

from conformance.common import disk_space
from conformance.common.errors import HarnessError
from conformance.common.settings import CACHE_VARIABLE
from conformance.components.debian import ensure_packages, system_environment
from conformance.components.store import CorruptEntryError, Store

_ZSTD = ("zstd", "--quiet", "--threads=0", "--long=27")
"""A program and the image that it is in stand one after the other, and are nearly the same."""
_PART = re.compile(r"parts/([a-z0-9][a-z0-9.-]*)\.json")
_FILE = re.compile(r"files/([0-9a-f]{64})")
_KEY = re.compile(r"[0-9a-f]{64}")
_MODES = {"0644", "0755"}
_LONGEST = 4 << 20
"""Bytes that the record of a part has at most."""
_KINDS = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
_CHUNK = 1 << 20


def write(store: Store, parts: Sequence[tuple[str, str]], file: Path) -> int:
    """Write parts, given as name and key, to ``file``; return its size in bytes.

    ``file`` is replaced once all is written. HarnessError: a part is damaged or has a link, or the
    disk is full.
    """
    beside = file.with_name(f".{file.name}.part")
    try:
        with _zstd_to(beside) as stream, tarfile.open(fileobj=stream, mode="w|") as archive:
            _write_parts(store, parts, archive)
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)
    return file.stat().st_size


def _write_parts(store: Store, parts: Sequence[tuple[str, str]], archive: tarfile.TarFile) -> None:
    sources: dict[str, Path] = {}
    for name, key in parts:
        try:
            files = store.files(name, key)
        except CorruptEntryError as error:
            raise HarnessError(
                f"{name} in the cache is corrupt: {error}",
                f"`stackspin-conformance components build {name}` makes it anew",
            ) from None
        if files is None:
            raise HarnessError(f"{name} was deleted from the cache meanwhile")
        record = store.facts(name, key)
        for path, one in record["files"].items():
            if "sha256" not in one:
                raise HarnessError(f"{name} has a link, {path}, and cannot be exported")
            sources.setdefault(one["sha256"], files / path)
        _add(archive, f"parts/{name}.json", io.BytesIO(json.dumps(record).encode()))
    for digest, source in sources.items():
        with source.open("rb") as content:
            _add(archive, f"files/{digest}", content)


def _add(archive: tarfile.TarFile, name: str, content: IO[bytes]) -> None:
    member = tarfile.TarInfo(name)
    member.size = content.seek(0, io.SEEK_END)
    member.mode = 0o644
    content.seek(0)
    archive.addfile(member, content)


@dataclass
class Imported:
    """What became of the parts in an archive."""

    added: list[str] = field(default_factory=list)
    there: list[str] = field(default_factory=list)
    """Those that the cache had."""
    unknown: list[str] = field(default_factory=list)
    """Those of another version of the suite: no run of this one uses them."""


def read(store: Store, file: Path, knows: Callable[[str, str], bool]) -> Imported:
    """Put the parts in ``file`` into the store, if this version ``knows`` their name and key.

    HarnessError, and nothing is put there: not such an archive, damaged, a name that leads
    elsewhere, or too little space.
    """
    _check_kind(file)
    result = Imported()
    with store.temporary("import-") as folder:
        try:
            with _zstd_from(file) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
                records = _read_archive(archive, folder)
        except (tarfile.TarError, EOFError) as error:
            raise _refused(file.name, f"it is damaged or no archive of parts: {error}") from None
        for name, record in records.items():
            if not knows(name, record["key"]):
                result.unknown.append(name)
            elif _put(store, name, record, folder):
                result.added.append(name)
            else:
                result.there.append(name)
    return result


def _check_kind(file: Path) -> None:
    """Raise HarnessError if this is no regular file, with what it is."""
    try:
        mode = file.stat().st_mode
    except OSError as error:
        what = f"it cannot be read: {error.strerror}"
    else:
        if stat.S_ISREG(mode):
            return
        what = f"it is {_KINDS.get(stat.S_IFMT(mode), 'a device')}, not a regular file"
    raise HarnessError(f"{file}: {what}", "give a file that `components export` has written")


def _read_archive(archive: tarfile.TarFile, folder: Path) -> dict[str, dict[str, Any]]:
    """Write all files to ``folder``, each under its hash; return the parts' records by name."""
    records: dict[str, dict[str, Any]] = {}
    sizes: dict[str, int] = {}
    there: set[str] = set()
    for member in archive:
        content = archive.extractfile(member) if member.isreg() else None
        if content is None:
            raise _refused(member.name, "it is not a plain file")
        if (found := _PART.fullmatch(member.name)) and not there:
            records[found[1]] = record = _record(found[1], member, content)
            sizes |= {one["sha256"]: one["size"] for one in record["files"].values()}
            # Once as it is read, once as it is put into the store.
            needed = 2 * sum(sizes.values())
            disk_space.require(
                "the parts, twice while they are read", needed, folder, CACHE_VARIABLE
            )
        elif (found := _FILE.fullmatch(member.name)) and sizes.get(found[1]) == member.size:
            _copy(content, folder / found[1], found[1])
            there.add(found[1])
        else:
            raise _refused(member.name, "no part says that it belongs there")
    if lost := set(sizes) - there:
        raise _refused(f"files/{min(lost)}", "it is missing")
    return records


def _record(name: str, member: tarfile.TarInfo, content: IO[bytes]) -> dict[str, Any]:
    """Return what a part's record says, if all of it is of the form that the store writes."""
    if member.size > _LONGEST:
        raise _refused(member.name, "it is too long")
    try:
        record = json.loads(content.read())
        if record["name"] != name or not _KEY.fullmatch(record["key"]):
            raise _refused(member.name, "it is another part's")
        for path, one in record["files"].items():
            if not _is_inside(path):
                raise _refused(member.name, f"{path!r} leads out of the part")
            if not _KEY.fullmatch(one["sha256"]) or one["mode"] not in _MODES:
                raise _refused(member.name, f"{path!r} is not a plain file")
            if not isinstance(one["size"], int) or one["size"] < 0:
                raise _refused(member.name, f"{path!r} has no size")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _refused(member.name, f"it cannot be read: {error}") from None
    return dict(record)


def _is_inside(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(parts) and "/".join(parts) == path and ".." not in parts and "\0" not in path


def _copy(content: IO[bytes], target: Path, digest: str) -> None:
    found = hashlib.sha256()
    with target.open("wb") as file:
        while chunk := content.read(_CHUNK):
            found.update(chunk)
            file.write(chunk)
    if found.hexdigest() != digest:
        raise _refused(f"files/{digest}", "its bytes have another hash")


def _put(store: Store, name: str, record: dict[str, Any], folder: Path) -> bool:
    """Make the store's entry of a part; return False where it has that, intact."""
    key = record["key"]
    facts = {name: what for name, what in record.items() if name not in ("name", "key", "files")}
    with store.lock(name, key, lambda _: None):
        with contextlib.suppress(CorruptEntryError):
            if store.files(name, key):
                return False
        try:
            with store.put(name, key, lambda: facts) as (files, _):
                for path, one in record["files"].items():
                    target = files / path
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(folder / one["sha256"], target)
                    target.chmod(int(one["mode"], 8))
        except OSError as error:
            raise HarnessError(f"{name} could not be put into the cache: {error}") from None
    return True


def _refused(what: str, why: str) -> HarnessError:
    return HarnessError(f"{what}: {why}", "nothing was imported; export the parts again")


@contextlib.contextmanager
def _zstd_to(file: Path) -> Iterator[IO[bytes]]:
    _ensure_zstd()
    with subprocess.Popen(
        [*_ZSTD, "--force", "-o", file], stdin=subprocess.PIPE, env=system_environment()
    ) as process:
        assert process.stdin  # noqa: S101 - said to Popen above
        try:
            with contextlib.suppress(BrokenPipeError):  # zstd has ended, and said why
                yield process.stdin
        except BaseException:
            process.kill()
            raise
        finally:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
    if process.returncode:
        raise HarnessError(f"{file} could not be written", "zstd says why above")


@contextlib.contextmanager
def _zstd_from(file: Path) -> Iterator[IO[bytes]]:
    _ensure_zstd()
    with subprocess.Popen(
        [*_ZSTD, "--decompress", "--stdout", file],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=system_environment(),
    ) as process:
        assert process.stdout  # noqa: S101 - said to Popen above
        assert process.stderr  # noqa: S101
        try:
            yield process.stdout
            while process.stdout.read(_CHUNK):
                continue  # what is after the archive's end
            said = process.stderr.read().decode(errors="replace").strip()
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise _refused(file.name, said)


def _ensure_zstd() -> None:
    ensure_packages({"zstd": "zstd"}, why="pack parts of the cache")
