"""Archives (``.tgz``) unpacked in memory; nothing of one is ever written to the disk."""

from __future__ import annotations

import io
import os
import tarfile
import zlib
from collections.abc import Callable
from typing import BinaryIO

from conformance.linter.findings import quoted
from conformance.linter.limits import MEBIBYTE, Limits

GZIP_MAGIC = b"\x1f\x8b"
SUFFIXES = (".tgz", ".tar.gz")
_CHUNK = 64 * 1024
_GZIP = zlib.MAX_WBITS | 16
SKIPPED_FOLDERS = frozenset(("node_modules", "__pycache__"))
"""Folders that are no part of a package, beside the hidden ones."""
_TAR_OVERHEAD = 1024
"""Bytes of tar's own for each file: its header, and what fills its last block."""
_READS_AT_END = 10
_EXTENSIONS = frozenset(
    (
        tarfile.XHDTYPE,
        tarfile.XGLTYPE,
        tarfile.SOLARIS_XHDTYPE,
        tarfile.GNUTYPE_LONGNAME,
        tarfile.GNUTYPE_LONGLINK,
    )
)
_EXTENSION_BYTES = MEBIBYTE

Report = Callable[[str, str], None]
"""Takes a file and what is wrong with it."""


def stem(name: str) -> str:
    """Return an archive's name without ``.tgz``."""
    for suffix in SUFFIXES:
        if name.endswith(suffix):
            return name.removesuffix(suffix)
    return name


class _TooLargeError(Exception):
    """The archive unpacks to more than is allowed."""


class _Unzipped(io.RawIOBase):
    """What a gzip file unpacks to, never more than allowed at a time or in all."""

    def __init__(self, packed: BinaryIO, limits: Limits) -> None:
        self._packed = packed
        self._limits = limits
        self._gzip = zlib.decompressobj(_GZIP)
        self._waiting = b""
        self._in = 0
        self._out = 0
        self._reads_at_end = 0
        self._most = limits.total_bytes + limits.files * _TAR_OVERHEAD

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        parts = []
        left = self._most if size < 0 else size
        while left > 0:
            part = self._some(left)
            if not part:
                break
            parts.append(part)
            left -= len(part)
        if size and not parts:
            # A member that claims to be endless makes tarfile read on and on after the end.
            self._reads_at_end += 1
            if self._reads_at_end > _READS_AT_END:
                raise EOFError("it ends early")
        return b"".join(parts)

    def _some(self, most: int) -> bytes:
        """Return at least one byte, unless all has been read."""
        while not self._gzip.eof:
            packed = self._waiting
            if not packed:
                packed = self._packed.read(_CHUNK)
                self._in += len(packed)
                if not packed:
                    return b""
            part = self._gzip.decompress(packed, min(most, _CHUNK))
            self._waiting = self._gzip.unconsumed_tail
            if part:
                self._out += len(part)
                ratio = (self._out - MEBIBYTE) / max(self._in, 1)
                if self._out > self._most or ratio > self._limits.archive_ratio:
                    raise _TooLargeError
                return part
        return b""


class _Member(tarfile.TarInfo):
    """A header of an archive; what extends one may not be large, as it is read whole."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in _EXTENSIONS and not 0 <= self.size <= _EXTENSION_BYTES:
            raise tarfile.ReadError("a header is too large")
        result: tarfile.TarInfo = super()._proc_member(archive)  # type: ignore[misc]
        return result


def unpack(packed: BinaryIO, limits: Limits, report: Report) -> dict[str, bytes]:
    """Return the regular files of a gzipped tar archive: POSIX path -> content.

    What cannot be in a package is left out and reported: links, devices, paths that lead out of
    the archive. Of an archive that is broken or too large, the files before that are returned.
    """
    files: dict[str, bytes] = {}
    room = limits.total_bytes
    count = 0
    try:
        stream = _Unzipped(packed, limits)
        with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Member) as archive:
            for member in archive:
                count += 1
                if count > limits.files:
                    report(
                        "", f"more than {limits.files} files in the archive: the rest is not read"
                    )
                    break
                name = _name(member, report)
                if name is None:
                    continue
                if not 0 <= member.size <= min(room, limits.file_bytes):
                    report(name, f"{_shown(name)} is larger than allowed: not read")
                    continue
                if name in files:
                    report(name, f"{_shown(name)} is in the archive twice: the last one counts")
                content = archive.extractfile(member)
                files[name] = b"" if content is None else content.read()
                room -= member.size
    except _TooLargeError:
        report(
            "",
            f"the archive unpacks to more than {limits.total_bytes // MEBIBYTE} MiB, or to "
            f"more than {limits.archive_ratio} times its size: the rest is not read",
        )
    except Exception as error:  # a hostile archive makes tarfile raise almost anything
        why = " ".join(str(error).split())[:120] or "it ends early"
        report("", f"not a gzipped tar archive, or a broken one: {why}")
    else:
        if not count:
            report("", "the archive is empty")
    return files


def _shown(name: str) -> str:
    return quoted("".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in name))


def _name(member: tarfile.TarInfo, report: Report) -> str | None:
    """Return where a file of an archive belongs; None if it does not belong into a package."""
    name = os.fsencode(member.name).decode("utf-8", "replace")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    clean = "/".join(parts)
    if name.startswith("/") or "\\" in name or ".." in parts:
        report("", f"the archive has a file {_shown(name)}, outside of itself: ignored")
        return None
    if any(part.startswith(".") or part in SKIPPED_FOLDERS for part in parts[:-1]):
        return None
    if member.isdir():
        return None
    if member.issym() or member.islnk():
        report(clean, f"{_shown(clean)} is a link: ignored")
        return None
    if not member.isreg() or member.issparse():
        report(clean, f"{_shown(clean)} is not a regular file: ignored")
        return None
    return clean or None
