"""Pulling an image: the right one, all of it verified, with a login where one is asked for."""

from __future__ import annotations

import base64
import gzip
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from stub_registry import HERE, MANIFEST, StubRegistry, serving

from conformance.common.errors import HarnessError
from conformance.oci import pull
from conformance.oci.extract import extract_all, extract_programs
from conformance.oci.layers import Limits, read_layers
from conformance.oci.layout import write_index
from conformance.oci.login import DOCKER_HUB, Login, credentials
from conformance.oci.pull import pull_image
from conformance.oci.reference import Reference, digest_of
from conformance.oci.registry import Registry, RegistryTroubleError

TOOL = Reference("library/tool", "1", None)
NAME = "docker.io/library/tool:1"


@pytest.fixture
def stub() -> Iterator[StubRegistry]:
    with serving() as registry:
        yield registry


def client(stub: StubRegistry, login: tuple[str, str] | None = None) -> Registry:
    return Registry(stub.address, auth=Login(stub.address, login, 5.0))


def test_the_image_for_this_machine_is_pulled_under_its_own_name(
    stub: StubRegistry, tmp_path: Path
) -> None:
    digest = stub.add_image("library/tool", "here", tmp_path, bin__tool="tool")
    other = stub.add_image("library/tool", "other", tmp_path, bin__tool="other")
    index = stub.add_index("library/tool", "1", {"linux/riscv64": other, HERE: digest})
    said: list[str] = []
    assert pull_image(client(stub), TOOL, NAME, tmp_path / "oci", said.append) == index
    (described,) = json.loads((tmp_path / "oci" / "index.json").read_text())["manifests"]
    assert described["digest"] == digest
    assert described["annotations"]["io.containerd.image.name"] == NAME
    assert said[-1].endswith("of 0 MiB")
    extract_programs(tmp_path / "oci", {"tool": "/bin/tool"}, tmp_path)
    assert (tmp_path / "tool").read_text() == "tool"
    assert (tmp_path / "tool").stat().st_mode & 0o777 == 0o755


def test_an_image_without_an_index_is_pulled_by_its_digest(
    stub: StubRegistry, tmp_path: Path
) -> None:
    digest = stub.add_image("library/tool", "1", tmp_path, bin__tool="tool")
    wanted = Reference("library/tool", None, digest)
    assert pull_image(client(stub), wanted, NAME, tmp_path / "oci") == digest


def test_other_bytes_than_the_digest_says_are_refused(stub: StubRegistry, tmp_path: Path) -> None:
    stub.add_image("library/tool", "1", tmp_path, bin__tool="tool")
    for path, (content, media_type) in list(stub.kept.items()):
        if "/blobs/" in path:
            stub.kept[path] = (content[:-1] + b"x", media_type)
    with pytest.raises(HarnessError, match="other bytes than sha256:"):
        pull_image(client(stub), TOOL, NAME, tmp_path / "oci")
    wanted = Reference("library/tool", None, "sha256:" + "0" * 64)
    stub.kept[f"/v2/library/tool/manifests/{wanted.digest}"] = (b"{}", MANIFEST)
    with pytest.raises(HarnessError, match="another manifest than sha256:000"):
        pull_image(client(stub), wanted, NAME, tmp_path / "second")


BLOB = {"digest": "sha256:" + "0" * 64, "size": 1, "mediaType": "x"}


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ([], "not a JSON object"),
        ({"manifests": [{"platform": {"os": "linux", "architecture": "s390x"}}]}, "linux/s390x"),
        ({"manifests": ["x"]}, "index of platforms is not valid"),
        ({"layers": []}, "not one of an image"),
        ({"config": BLOB, "layers": [{**BLOB, "digest": "sha256:../../etc"}]}, "is no digest"),
        ({"config": BLOB, "layers": [BLOB] * 200}, "more than 128 layers"),
        ({"config": BLOB, "layers": [{**BLOB, "size": 1 << 40}]}, "more than 4 GiB"),
        ({"config": {**BLOB, "size": -1}, "layers": []}, "more than 4 GiB"),
        (
            {"config": BLOB, "layers": [{**BLOB, "mediaType": "application/x.layer.foreign.tar"}]},
            "not in the registry",
        ),
    ],
)
def test_a_manifest_that_is_not_as_it_should_be_is_refused(
    stub: StubRegistry, tmp_path: Path, manifest: object, words: str
) -> None:
    stub.add_manifest("library/tool", "1", json.dumps(manifest).encode(), MANIFEST)
    with pytest.raises(HarnessError, match=words):
        pull_image(client(stub), TOOL, NAME, tmp_path / "oci")


def test_an_endless_manifest_is_not_read(stub: StubRegistry, tmp_path: Path) -> None:
    stub.add_manifest("library/tool", "1", b" " * (5 << 20), MANIFEST)
    with pytest.raises(HarnessError, match="more than 4 MiB"):
        pull_image(client(stub), TOOL, NAME, tmp_path / "oci")


def test_a_blob_that_is_larger_than_said_is_not_read_to_its_end(
    stub: StubRegistry, tmp_path: Path
) -> None:
    big = b"x" * (3 << 20)
    manifest = {"config": {"digest": digest_of(big), "size": 10}, "layers": []}
    stub.add_manifest("library/tool", "1", json.dumps(manifest).encode(), MANIFEST)
    stub.kept[f"/v2/library/tool/blobs/{digest_of(big)}"] = (big, "x")
    with pytest.raises(HarnessError, match="more than 10 bytes"):
        pull_image(client(stub), TOOL, NAME, tmp_path / "oci")


def test_an_image_for_another_processor_is_refused(
    stub: StubRegistry, tmp_path: Path, monkeypatch
) -> None:
    stub.add_image("library/tool", "1", tmp_path, bin__tool="tool")
    monkeypatch.setattr(pull, "architecture", lambda: "riscv64")
    with pytest.raises(HarnessError, match="not riscv64"):
        pull_image(client(stub), TOOL, NAME, tmp_path / "oci")


def test_a_registry_that_is_busy_may_be_asked_again(stub: StubRegistry, tmp_path: Path) -> None:
    stub.answer = lambda path: 429 if "/manifests/" in path else None
    with pytest.raises(RegistryTroubleError, match="answered 429"):
        pull_image(client(stub), TOOL, NAME, tmp_path / "oci")


def test_a_token_is_fetched_with_the_login_once_for_a_repository(
    stub: StubRegistry, tmp_path: Path
) -> None:
    stub.login = "ann:secret"
    stub.add_image("library/tool", "1", tmp_path, bin__tool="tool")
    pull_image(client(stub, ("ann", "secret")), TOOL, NAME, tmp_path / "oci")
    (asked,) = [one for one in stub.asked if "/token" in one]
    assert "scope=repository%3Alibrary%2Ftool%3Apull" in asked
    assert "service=stub" in asked


def test_a_wrong_login_is_said(stub: StubRegistry, tmp_path: Path) -> None:
    stub.login = "ann:secret"
    with pytest.raises(HarnessError, match=r"no token to the login of ann: status 401(.|\n)*login"):
        pull_image(client(stub, ("ann", "wrong")), TOOL, NAME, tmp_path / "oci")
    with pytest.raises(HarnessError, match="no token to anybody without a login"):
        pull_image(client(stub), TOOL, NAME, tmp_path / "oci")


def test_the_host_that_blobs_are_redirected_to_gets_no_token(
    stub: StubRegistry, tmp_path: Path
) -> None:
    with serving() as storage:
        stub.login = "ann:secret"
        stub.add_image("library/tool", "1", tmp_path, bin__tool="tool")
        storage.kept.update(stub.kept)
        stub.redirect_blobs = f"http://{storage.address}".replace("127.0.0.1", "localhost")
        pull_image(client(stub, ("ann", "secret")), TOOL, NAME, tmp_path / "oci")
        storage.login = "ann:secret"
        with pytest.raises(HarnessError, match="answered 401"):
            pull_image(client(stub, ("ann", "secret")), TOOL, NAME, tmp_path / "again")
        assert [one for one in storage.asked if "/blobs/" in one]
        assert set(storage.authorizations) == {""}


def encoded(login: str) -> dict[str, str]:
    return {"auth": base64.b64encode(login.encode()).decode()}


@pytest.mark.parametrize(
    ("config", "host", "login"),
    [
        ({"auths": {"ghcr.io": encoded("a:b:c")}}, "ghcr.io", ("a", "b:c")),
        ({"auths": {"https://ghcr.io": encoded("a:b")}}, "ghcr.io", ("a", "b")),
        ({"auths": {"https://index.docker.io/v1/": encoded("a:b")}}, DOCKER_HUB, ("a", "b")),
        ({"auths": {"ghcr.io": encoded("a:b")}}, "quay.io", None),
        ({"auths": {"ghcr.io": {}}}, "ghcr.io", None),
        ({}, "ghcr.io", None),
        ({"credHelpers": {"ghcr.io": "test"}}, "ghcr.io", ("helped", "ghcr.io")),
        ({"credsStore": "test", "auths": {"ghcr.io": {}}}, "ghcr.io", ("helped", "ghcr.io")),
        ({"credsStore": "test"}, "ghcr.io", None),
    ],
)
def test_the_login_is_that_of_dockers_configuration(
    tmp_path: Path, monkeypatch, config: object, host: str, login: object
) -> None:
    helper = tmp_path / "docker-credential-test"
    helper.write_text('#!/bin/sh\nprintf \'{"Username": "helped", "Secret": "%s"}\' "$(cat)"\n')
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    assert credentials(host) is None
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert credentials(host) == login


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("{", "cannot be read"),
        ("[]", "cannot be read"),
        ('{"auths": {"ghcr.io": {"auth": "%"}}}', "not name:password in base64"),
        ('{"credHelpers": {"ghcr.io": "missing"}}', "docker-credential-missing failed"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_said(
    tmp_path: Path, config: str, words: str
) -> None:
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(HarnessError, match=words):
        credentials("ghcr.io", tmp_path)


def layout_of(folder: Path, *layers: dict[str, str]) -> Path:
    """Write an image whose layers are gzipped tar files of files."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def blob(content: bytes) -> dict[str, object]:
        digest = digest_of(content)
        (blobs / digest.removeprefix("sha256:")).write_bytes(content)
        return {"digest": digest, "size": len(content)}

    described = []
    for files in layers:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for name, text in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(text)
                member.mode = 0o755 if text == "program" else 0o644
                archive.addfile(member, io.BytesIO(text.encode()))
        described.append(blob(gzip.compress(packed.getvalue())))
    manifest = json.dumps({"config": blob(b"{}"), "layers": described}).encode()
    write_index(folder, NAME, {**blob(manifest), "mediaType": MANIFEST})
    return folder


def test_a_program_is_taken_as_the_last_layer_has_it(tmp_path: Path) -> None:
    layout = layout_of(
        tmp_path / "oci",
        {"usr/bin/a": "old", "usr/bin/b": "kept", "opt/cni/bin/c": "c", "opt/cni/bin/d": "d"},
        {"bin/a": "new", "opt/.wh.cni": "", "usr/bin/.wh.other": ""},
        {"opt/cni/bin/c": "again"},
    )
    extract_programs(layout, {"a": "/bin/a", "b": "/usr/bin/b", "c": "/opt/cni/bin/c"}, tmp_path)
    assert {name: (tmp_path / name).read_text() for name in "abc"} == {
        "a": "new",
        "b": "kept",
        "c": "again",
    }
    with pytest.raises(HarnessError, match=r"tool:1 has no /opt/cni/bin/d, /bin/e"):
        extract_programs(layout, {"d": "/opt/cni/bin/d", "e": "/bin/e"}, tmp_path)


def test_an_opaque_folder_hides_what_was_in_it(tmp_path: Path) -> None:
    layout = layout_of(tmp_path / "oci", {"a/b/tool": "old"}, {"a/.wh..wh..opq": ""})
    with pytest.raises(HarnessError, match="has no /a/b/tool"):
        extract_programs(layout, {"tool": "/a/b/tool"}, tmp_path)
    assert not (tmp_path / "tool").exists()


def test_nothing_is_written_outside_of_the_folder(tmp_path: Path) -> None:
    layout = layout_of(tmp_path / "oci", {"../../up": "x", "/etc/tool": "x", "bin/run": "program"})
    (tmp_path / "files").mkdir()
    extract_all(layout, tmp_path / "files")
    found = [path for path in (tmp_path / "files").rglob("*") if path.is_file()]
    assert {str(path.relative_to(tmp_path / "files")) for path in found} == {
        "up",
        "etc/tool",
        "bin/run",
    }
    assert (tmp_path / "files/bin/run").stat().st_mode & 0o111
    assert not (tmp_path / "files/etc/tool").stat().st_mode & 0o111


def test_what_is_no_layer_is_refused(tmp_path: Path) -> None:
    layout = layout_of(tmp_path / "oci", {"a": "a"})
    for path in (layout / "blobs" / "sha256").iterdir():
        if path.read_bytes().startswith(b"\x1f\x8b"):
            path.write_bytes(b"\x28\xb5\x2f\xfd")
    with pytest.raises(HarnessError, match=r"tool:1 cannot be read: .*zstd"):
        extract_all(layout, tmp_path)


def test_layers_say_what_may_be_run() -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, mode in (("run", 0o755), ("read", 0o644)):
            member = tarfile.TarInfo(name)
            member.mode = mode
            archive.addfile(member)
    packed.seek(0)
    files = read_layers([packed], Limits())
    assert {str(one.path): one.executable for one in files} == {"run": True, "read": False}
