"""OCI image layouts written from files: the same input gives the same bytes.

Layers are plain tar: the registry and the nodes are on this machine, so compression would cost
time at both ends and save none. Specification: opencontainers/image-spec v1.1, image-layout.md.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tarfile
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO, cast

from conformance.common.architecture import architecture

LAYER = "application/vnd.oci.image.layer.v1.tar"
CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_MODIFIED = 1
"""Seconds since 1970 that every file carries."""
_CREATED = "1970-01-01T00:00:01Z"
_CAPABILITY_BITS = {"cap_net_bind_service": 10}


@dataclass(frozen=True)
class Entry:
    """One file, or with ``link`` one symbolic link, of a layer."""

    path: str
    source: Path | bytes = b""
    mode: int = 0o644
    link: str = ""
    capability: str = ""


class _Hashing:
    """A file open for writing that hashes what passes."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.sha256 = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.sha256.update(data)
        return self.file.write(data)


class Layout:
    """An OCI image layout of one image, being written to ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._blobs = folder / "blobs" / "sha256"
        self._blobs.mkdir(parents=True)
        self._layers: list[dict[str, object]] = []

    def add_files(
        self, entries: Sequence[Entry], *, base: Path | None = None, without: Sequence[str] = ()
    ) -> None:
        """Add a layer of ``entries``, folders above them included, owned by root.

        They stand on top of what the tar file ``base`` holds, members that match a glob of
        ``without`` left out.
        """
        temporary = self._blobs / "layer"
        with temporary.open("wb") as file:
            hashing = _Hashing(file)
            # tarfile only writes to it; padding and order depend on nothing but the entries.
            with tarfile.open(
                fileobj=cast("IO[bytes]", hashing), mode="w|", format=tarfile.PAX_FORMAT
            ) as archive:
                folders: set[str] = set()
                if base:
                    replaced = {entry.path.lstrip("/") for entry in entries}
                    folders = _copy(base, archive, without, replaced)
                _write(archive, entries, folders)
        self._add_layer(temporary, hashing.sha256.hexdigest())

    def add_archive(self, archive: Path) -> None:
        """Add a finished tar file as a layer."""
        temporary = self._blobs / "layer"
        shutil.copyfile(archive, temporary)
        with temporary.open("rb") as file:
            self._add_layer(temporary, hashlib.file_digest(file, "sha256").hexdigest())

    def _add_layer(self, temporary: Path, digest: str) -> None:
        path = temporary.rename(self._blobs / digest)
        size = path.stat().st_size
        self._layers.append({"mediaType": LAYER, "digest": f"sha256:{digest}", "size": size})

    def finish(
        self,
        reference: str,
        *,
        entrypoint: tuple[str, ...] = (),
        command: tuple[str, ...] = (),
        user: str = "",
        environment: tuple[str, ...] = (),
        stop_signal: str = "",
    ) -> str:
        """Write configuration, manifest and index; return the manifest's digest."""
        config: dict[str, object] = {"Env": [_PATH, *environment]}
        if entrypoint:
            config["Entrypoint"] = list(entrypoint)
        if command:
            config["Cmd"] = list(command)
        if user:
            config["User"] = user
        if stop_signal:
            config["StopSignal"] = stop_signal
        image = {
            "created": _CREATED,
            "architecture": architecture(),
            "os": "linux",
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": [one["digest"] for one in self._layers]},
            # buildah refuses to build on an image whose history does not name each layer.
            "history": [{"created": _CREATED, "created_by": "stackspin-conformance"}]
            * len(self._layers),
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self._blob(CONFIG, image),
            "layers": self._layers,
        }
        described = self._blob(MANIFEST, manifest)
        write_index(self._folder, reference, described)
        return str(described["digest"])

    def _blob(self, media_type: str, content: Mapping[str, object]) -> dict[str, object]:
        data = json.dumps(content, sort_keys=True).encode()
        digest = hashlib.sha256(data).hexdigest()
        (self._blobs / digest).write_bytes(data)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}


def layout_from_dir(source: Path, reference: str, folder: Path) -> str:
    """Make an OCI layout of an image in the "dir" form of containers-transports(5).

    That form keeps layers as they are, where buildah's own OCI layouts are always compressed. Its
    files are moved. Returns the manifest's digest.
    """
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    content = (source / "manifest.json").read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    (blobs / digest).write_bytes(content)
    manifest = json.loads(content)
    for blob in (manifest["config"], *manifest["layers"]):
        name = blob["digest"].removeprefix("sha256:")
        if not (blobs / name).exists():  # the same layer may stand in an image twice
            shutil.move(source / name, blobs / name)
    described = {"mediaType": MANIFEST, "digest": f"sha256:{digest}", "size": len(content)}
    write_index(folder, reference, described)
    return f"sha256:{digest}"


def add_docker_index(folder: Path) -> None:
    """Make an OCI layout one that `docker load` of every version takes, as a tar file.

    Docker before 25 reads ``manifest.json`` alone (moby, image/spec/spec.md), which may name files
    anywhere in the archive.
    """
    (described,) = json.loads((folder / "index.json").read_text())["manifests"]

    def path(blob: Mapping[str, str]) -> str:
        return f"blobs/{blob['digest'].replace(':', '/')}"

    name: str = described["annotations"]["io.containerd.image.name"]
    manifest = json.loads((folder / path(described)).read_text())
    image = {
        "Config": path(manifest["config"]),
        "RepoTags": [name.removeprefix("docker.io/")],
        "Layers": [path(layer) for layer in manifest["layers"]],
    }
    (folder / "manifest.json").write_text(json.dumps([image]))


def write_index(folder: Path, reference: str, manifest: Mapping[str, object]) -> None:
    """Make a folder with the blobs of one image a layout; ``manifest`` is its descriptor."""
    annotations = {
        "io.containerd.image.name": reference,
        "org.opencontainers.image.ref.name": reference.rpartition(":")[2],
    }
    index = {"schemaVersion": 2, "manifests": [{**manifest, "annotations": annotations}]}
    (folder / "index.json").write_text(json.dumps(index))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')


def _copy(
    base: Path, archive: tarfile.TarFile, without: Sequence[str], replaced: Container[str]
) -> set[str]:
    """Copy members that are neither left out nor replaced; return the folders among them."""
    folders = set()
    with tarfile.open(base) as members:
        for member in members:
            name = member.name.removeprefix("./")
            if name in replaced or any(fnmatchcase(name, pattern) for pattern in without):
                continue
            archive.addfile(member, members.extractfile(member) if member.isreg() else None)
            if member.isdir():
                folders.add(name)
    return folders


def _write(archive: tarfile.TarFile, entries: Iterable[Entry], known: Container[str]) -> None:
    """Write ``entries`` and the folders above them that are not ``known``: nothing comes twice."""
    folders = {"tmp": 0o1777}
    ordered = sorted(entries, key=lambda entry: entry.path)
    for entry in ordered:
        for parent in Path(entry.path.lstrip("/")).parents:
            if parent.name:
                folders.setdefault(str(parent), 0o755)
    for name in sorted(folders):
        if name not in known:
            archive.addfile(_header(name, tarfile.DIRTYPE, folders[name]))
    for entry in ordered:
        name = entry.path.lstrip("/")
        if entry.link:
            link = _header(name, tarfile.SYMTYPE, 0o777)
            link.linkname = entry.link
            archive.addfile(link)
            continue
        header = _header(name, tarfile.REGTYPE, entry.mode)
        if entry.capability:
            header.pax_headers = {"SCHILY.xattr.security.capability": _capability(entry.capability)}
        if isinstance(entry.source, bytes):
            header.size = len(entry.source)
            archive.addfile(header, io.BytesIO(entry.source))
        else:
            with entry.source.open("rb") as file:
                header.size = os.fstat(file.fileno()).st_size
                archive.addfile(header, file)


def _header(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.type, header.mode, header.mtime = kind, mode, _MODIFIED
    return header


def _capability(name: str) -> str:
    """Return the extended attribute that grants one capability (linux/capability.h, revision 2)."""
    permitted = 1 << _CAPABILITY_BITS[name]
    words = (0x02000001, permitted, 0, 0, 0)  # revision 2 with the effective bit
    return b"".join(word.to_bytes(4, "little") for word in words).decode("ascii")
