"""Image layouts are valid, say who runs, and are the same bytes each time."""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
from pathlib import Path
from typing import Any

from conformance.components.images import BASE_FILES, Entry, Layout, layout_from_dir

REFERENCE = "registry.example/a/b:v1"


def write(folder: Path, program: Path) -> str:
    layout = Layout(folder)
    layout.add_files(
        [
            Entry("/usr/bin/tool", program, 0o755, capability="cap_net_bind_service"),
            Entry("/bin/t", link="/usr/bin/tool"),
            *BASE_FILES,
        ]
    )
    return layout.finish(REFERENCE, entrypoint=("tool",), command=("--help",), user="65534:65534")


def blob(folder: Path, digest: str) -> bytes:
    content = (folder / "blobs" / "sha256" / digest.removeprefix("sha256:")).read_bytes()
    assert f"sha256:{hashlib.sha256(content).hexdigest()}" == digest
    return content


def load(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return manifest and configuration, every hash and size on the way checked."""
    assert json.loads((folder / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    (described,) = json.loads((folder / "index.json").read_text())["manifests"]
    content = blob(folder, described["digest"])
    assert described["size"] == len(content)
    manifest = json.loads(content)
    for one in (manifest["config"], *manifest["layers"]):
        assert len(blob(folder, one["digest"])) == one["size"]
    return manifest, json.loads(blob(folder, manifest["config"]["digest"]))


def test_layout_is_whole_and_says_who_runs_what(tmp_path: Path) -> None:
    program = tmp_path / "tool"
    program.write_bytes(b"\x7fELF" * 5000)
    write(tmp_path / "oci", program)
    manifest, image = load(tmp_path / "oci")
    assert image["config"]["Entrypoint"] == ["tool"]
    assert image["config"]["Cmd"] == ["--help"]
    assert image["config"]["User"] == "65534:65534"
    assert image["rootfs"]["diff_ids"] == [one["digest"] for one in manifest["layers"]]
    assert len(image["history"]) == len(manifest["layers"])
    index = json.loads((tmp_path / "oci" / "index.json").read_text())
    annotations = index["manifests"][0]["annotations"]
    assert annotations["io.containerd.image.name"] == REFERENCE
    assert annotations["org.opencontainers.image.ref.name"] == "v1"


def test_layer_holds_files_links_folders_and_capabilities(tmp_path: Path) -> None:
    program = tmp_path / "tool"
    program.write_bytes(b"bytes")
    write(tmp_path / "oci", program)
    manifest, _ = load(tmp_path / "oci")
    layer = manifest["layers"][0]["digest"].removeprefix("sha256:")
    with tarfile.open(tmp_path / "oci" / "blobs" / "sha256" / layer) as archive:
        members = {member.name: member for member in archive}
        content = archive.extractfile("usr/bin/tool")
        assert content
        assert content.read() == b"bytes"
    assert members["usr/bin"].isdir()
    assert members["tmp"].mode == 0o1777
    assert members["usr/bin/tool"].mode == 0o755
    assert members["bin/t"].linkname == "/usr/bin/tool"
    assert {(member.uid, member.gid, member.mtime) for member in members.values()} == {(0, 0, 1)}
    names = list(members)
    assert names.index("usr") < names.index("usr/bin") < names.index("usr/bin/tool")
    capability = members["usr/bin/tool"].pax_headers["SCHILY.xattr.security.capability"].encode()
    # linux/capability.h: revision 2 and the effective bit, then bit 10 permitted
    assert capability[:8] == b"\x01\x00\x00\x02\x00\x04\x00\x00"
    assert len(capability) == 20


def test_same_files_give_the_same_digest_whenever_written(tmp_path: Path) -> None:
    program = tmp_path / "tool"
    program.write_bytes(b"bytes")
    first = write(tmp_path / "first", program)
    os.utime(program, (0, 0))
    assert write(tmp_path / "second", program) == first
    program.write_bytes(b"bytez")
    assert write(tmp_path / "third", program) != first


def test_layout_from_dir_keeps_manifest_and_blobs(tmp_path: Path) -> None:
    program = tmp_path / "tool"
    program.write_bytes(b"bytes")
    digest = write(tmp_path / "oci", program)
    source = tmp_path / "dir"
    (tmp_path / "oci" / "blobs" / "sha256").rename(source)
    (source / digest.removeprefix("sha256:")).rename(source / "manifest.json")
    assert layout_from_dir(source, REFERENCE, tmp_path / "made") == digest
    load(tmp_path / "made")
