"""Reading the layers of an image that nobody trusts.

A layer is a tar archive somebody else made, so nothing is written to disk here, no link is
followed, and count, size and time are bounded. Files that a later layer deletes are read like all
others: whoever pulls the image can read them too. Source: OCI image specification, "Image Layer
Filesystem Changeset".
"""

from __future__ import annotations

import gzip
import io
import tarfile
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, NoReturn, Self, cast

from conformance.common.transcript import record

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
"""In a folder: what lower layers have in it is gone."""
CHUNK_BYTES = 1024**2
MAX_HEADER_BYTES = 1024**2
"""Of one entry's extended header (long names, attributes), which the tar reader keeps in memory."""
HEADERS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)


class LayerRefused(Exception):
    """A layer is not a tar archive, or is larger or slower to read than the limits allow."""


@dataclass(frozen=True)
class Limits:
    """Bounds for one image; an app's image of 1 GB with 50,000 files stays well inside."""

    layers: int = 128
    entries: int = 250_000
    unpacked_bytes: int = 4 * 1024**3
    seconds: float = 120.0


@dataclass(frozen=True)
class LayerFile:
    """One regular file of one layer; ``chunks`` is read once, while the file is the current one."""

    layer: int
    """Position of the layer, the base image's is 1."""
    path: PurePosixPath
    """Without a leading slash; ``..`` and ``.`` are taken out."""
    chunks: Iterator[bytes]
    executable: bool = False

    def __str__(self) -> str:
        return f"layer {self.layer}: {ascii('/' + str(self.path))[1:-1]}"


class _Budget:
    """What is left of the limits; every read of unpacked bytes is charged."""

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        self.limits = limits
        self.clock = clock
        self.deadline = clock() + limits.seconds
        self.unpacked = 0
        self.entries = 0

    def charge(self, count: int) -> None:
        self.unpacked += count
        if self.unpacked > self.limits.unpacked_bytes:
            raise LayerRefused(f"layers unpack to more than {self.limits.unpacked_bytes} bytes")
        if self.clock() > self.deadline:
            raise LayerRefused(f"layers were not read within {self.limits.seconds:g} s")

    def charge_entry(self) -> None:
        self.entries += 1
        if self.entries > self.limits.entries:
            raise LayerRefused(f"layers hold more than {self.limits.entries} entries")


class _Charged(io.RawIOBase):
    """A stream that is charged as it is read: its bytes, or only its time."""

    def __init__(self, stream: BinaryIO, budget: _Budget, *, charge_bytes: bool) -> None:
        self._stream = stream
        self._budget = budget
        self._charge_bytes = charge_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        data = self._stream.read(len(view))
        self._budget.charge(len(data) if self._charge_bytes else 0)
        view[: len(data)] = data
        return len(data)


def _unpacked(blob: BinaryIO, budget: _Budget) -> io.BufferedReader:
    """Return the tar stream of a blob, known by its first bytes: media types may lie."""
    packed = io.BufferedReader(_Charged(blob, budget, charge_bytes=False))
    magic = packed.peek(4)[:4]
    if magic == ZSTD_MAGIC:
        raise LayerRefused("a layer is compressed with zstd, which this reader does not know")
    stream = gzip.GzipFile(fileobj=packed) if magic.startswith(GZIP_MAGIC) else packed
    return io.BufferedReader(_Charged(cast(BinaryIO, stream), budget, charge_bytes=True))


class _PlainMember(tarfile.TarInfo):
    """A member that refuses what makes the tar reader keep the archive's bytes in memory."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        member = super().frombuf(buf, encoding, errors)
        if member.type == tarfile.GNUTYPE_SPARSE:
            cls._refuse_sparse()
        if member.type in HEADERS and not 0 <= member.size <= MAX_HEADER_BYTES:
            raise LayerRefused(f"an entry's header is larger than {MAX_HEADER_BYTES} bytes")
        return member

    @staticmethod
    def _refuse_sparse(*_: object) -> NoReturn:
        raise LayerRefused("a layer holds a sparse file, which no image builder writes")

    _proc_gnusparse_00 = _proc_gnusparse_01 = _proc_gnusparse_10 = _refuse_sparse


def _safe(name: str) -> PurePosixPath:
    return PurePosixPath(*[part for part in name.split("/") if part not in ("", ".", "..")])


@contextmanager
def _refusing(number: int) -> Iterator[None]:
    """Turn what the readers raise on a broken archive into the one refusal."""
    try:
        yield
    except (tarfile.TarError, EOFError, OSError, zlib.error, ValueError, RecursionError) as error:
        raise LayerRefused(f"layer {number} is not a readable tar archive: {error}") from error


def _members(blob: BinaryIO, budget: _Budget) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
    with tarfile.open(fileobj=_unpacked(blob, budget), mode="r|", tarinfo=_PlainMember) as archive:
        while member := archive.next():
            archive.members.clear()  # type: ignore[attr-defined] # it would keep every entry
            budget.charge_entry()
            yield archive, member


def _chunks(number: int, archive: tarfile.TarFile, member: tarfile.TarInfo) -> Iterator[bytes]:
    content = archive.extractfile(member)
    while content:
        with _refusing(number):
            chunk = content.read(CHUNK_BYTES)
        if not chunk:
            return
        yield chunk


def read_layers(
    blobs: Iterable[BinaryIO],
    limits: Limits = Limits(),
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[LayerFile]:
    """Yield every regular file of every layer, lowest layer first.

    Raises ``LayerRefused`` at the first thing that exceeds the limits or is no tar archive.
    """
    budget = _Budget(limits, clock)
    for number, blob in enumerate(blobs, start=1):
        if number > limits.layers:
            raise LayerRefused(f"an image has more than {limits.layers} layers")
        with _refusing(number):
            for archive, member in _members(blob, budget):
                if member.isreg():
                    chunks = _chunks(number, archive, member)
                    executable = bool(member.mode & 0o111)
                    yield LayerFile(number, _safe(member.name), chunks, executable)


def read_file(blobs: Iterable[BinaryIO], path: str) -> bytes:
    """Return a regular file as a container sees it; ``path`` has no leading slash.

    The topmost layer comes first in ``blobs``; those below the file are not read. Raises
    FileNotFoundError when no layer has it or a higher one deletes it; ``LayerRefused``.
    """
    wanted = PurePosixPath(path)
    hidden_by = {entry.with_name(WHITEOUT + entry.name) for entry in (wanted, *wanted.parents[:-1])}
    hidden_by |= {folder / OPAQUE for folder in wanted.parents}
    content: bytes | None = None
    layer, hidden = 1, False
    for file in read_layers(blobs):
        if file.layer > layer and (content is not None or hidden):
            break
        layer = file.layer
        if file.path == wanted:
            content = b"".join(file.chunks)
        hidden = hidden or file.path in hidden_by  # in the layers below
    if content is None:
        record(f"read /{path} of an image", "it has no such file")
        raise FileNotFoundError(f"the image has no file /{path}")
    record(f"read /{path} of an image", f"{len(content)} bytes, of layer {layer} from the top")
    return content
