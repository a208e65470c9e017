"""Image layouts are valid, say who runs, and are the same bytes each time."""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
from pathlib import Path
from typing import Any

from conformance.components.catalogue import part
from conformance.components.image_files import BASE_FILES
from conformance.components.kind_parts import KIND_PARTS
from conformance.components.parts import FileImage, KindNode, SystemImage
from conformance.oci.layout import Entry, Layout, add_docker_index, layout_from_dir

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


def test_files_stand_on_top_of_a_root_filesystem_and_nothing_comes_twice(tmp_path: Path) -> None:
    for name in ("etc/systemd/a.wants", "usr/bin", "tmp", "dev"):
        (tmp_path / "root" / name).mkdir(parents=True)
    for name in ("etc/systemd/a.wants/x", "etc/passwd", "usr/bin/sh", "dev/null"):
        (tmp_path / "root" / name).write_text("theirs")
    (tmp_path / "root/usr/bin/bash").hardlink_to(tmp_path / "root/usr/bin/sh")
    with tarfile.open(tmp_path / "rootfs.tar", "w") as archive:
        archive.add(tmp_path / "root", ".")
    layout = Layout(tmp_path / "oci")
    layout.add_files(
        [
            Entry("/etc/passwd", b"ours"),
            Entry("/etc/new/file", b"ours"),
            Entry("/usr/bin/l", link="sh"),
        ],
        base=tmp_path / "rootfs.tar",
        without=("dev/*", "etc/systemd/*.wants/*"),
    )
    layout.finish(REFERENCE)
    manifest, _ = load(tmp_path / "oci")
    layer = manifest["layers"][0]["digest"].removeprefix("sha256:")
    with tarfile.open(tmp_path / "oci" / "blobs" / "sha256" / layer) as archive:
        # `docker load` refuses a layer with the same path twice, folders included.
        names = sorted(member.name.removeprefix("./") for member in archive)
        content = archive.extractfile("etc/passwd")
        assert content
        assert content.read() == b"ours"
        linked = [member for member in archive if member.islnk()]
    assert names == [
        *(".", "dev", "etc", "etc/new", "etc/new/file", "etc/passwd", "etc/systemd"),
        *(
            "etc/systemd/a.wants",
            "tmp",
            "usr",
            "usr/bin",
            "usr/bin/bash",
            "usr/bin/l",
            "usr/bin/sh",
        ),
    ]
    assert len(linked) == 1


def test_docker_index_names_configuration_and_layers(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "oci")
    for content in (b"first", b"second"):
        layout.add_files([Entry("/file", content)])
    layout.finish("docker.io/a/b:v1", environment=("container=docker",), stop_signal="SIGRTMIN+3")
    add_docker_index(tmp_path / "oci")
    manifest, image = load(tmp_path / "oci")
    (index,) = json.loads((tmp_path / "oci" / "manifest.json").read_text())
    assert index["RepoTags"] == ["a/b:v1"]
    assert json.loads((tmp_path / "oci" / index["Config"]).read_text()) == image
    digests = [one["digest"].removeprefix("sha256:") for one in manifest["layers"]]
    assert index["Layers"] == [f"blobs/sha256/{digest}" for digest in digests]
    assert image["config"]["StopSignal"] == "SIGRTMIN+3"
    assert image["config"]["Env"][1:] == ["container=docker"]


def test_every_image_preloaded_into_a_node_has_one_layer() -> None:
    # Whiteouts and extended attributes of stacked layers would not survive in the node image.
    for one in KIND_PARTS:
        if isinstance(one, KindNode):
            for name in one.images:
                assert isinstance(part(name), FileImage | SystemImage)
                assert name in one.inputs
            used = {where.partition(":")[0] for where in one.files.values()}
            assert {*used, one.rootfs, "kind", "containerd"} <= set(one.inputs)
