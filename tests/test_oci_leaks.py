from __future__ import annotations

import base64
import gzip
import io
import tarfile
from collections.abc import Iterator
from itertools import count

import pytest

from conformance.oci import layers
from conformance.oci.layers import LayerRefused, Limits, read_file, read_layers
from conformance.oci.leaks import Kind, find_leaks

PLANTED = b"planted-" + b"s3cr3t-value"


def tar(files: dict[str, bytes], *, format: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def leaks(*layer_files: dict[str, bytes], config: dict | None = None) -> list[tuple[Kind, str]]:
    blobs = [io.BytesIO(gzip.compress(tar(files), 1)) for files in layer_files]
    found = find_leaks(config or {}, blobs, planted={"the planted value": PLANTED})
    return [(leak.kind, leak.where) for leak in found]


DEBIAN_SOURCES = b"""# Debian
Types: deb
URIs: http://deb.debian.org/debian
Suites: bookworm bookworm-updates
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""


def test_a_stock_debian_image_has_no_leak() -> None:
    base = {
        "etc/apt/sources.list.d/debian.sources": DEBIAN_SOURCES,
        "etc/apt/sources.list": b"deb http://security.debian.org/debian-security bookworm main\n",
        "etc/apt/apt.conf.d/docker-clean": b"# Keep-Downloaded-Packages; Proxy\nAPT::Keep 1;\n",
        "etc/pip.conf": b"# nothing set here\n",
        "run/secrets/token": b"",
        "usr/lib/libcrypto.so": b"-----BEGIN PRIVATE KEY-----\x00-----END PRIVATE KEY-----",
        "root/.bashrc": b"# see https://example.org/user:guide@home is no URL with a password\n",
    }
    config = {
        "config": {"Env": ["PATH=/usr/bin", "NOTES_SECRET_FILE=/etc/x"]},
        "history": [{"created_by": "/bin/sh -c apt-get install -y python3-flask"}],
    }
    assert leaks(base, config=config) == []


@pytest.mark.parametrize("prefix", [b"", b"x", b"xy"])
def test_a_planted_value_is_found_in_every_base64_alignment(prefix: bytes) -> None:
    hidden = base64.b64encode(prefix + PLANTED + b"tail")
    assert leaks({"srv/x": hidden}) == [(Kind.SECRET, "layer 1: /srv/x")]


def test_a_planted_value_is_found_across_chunks_and_in_names() -> None:
    big = b"." * (layers.CHUNK_BYTES - 5) + PLANTED + b"." * 10
    assert leaks({"srv/big": big}) == [(Kind.SECRET, "layer 1: /srv/big")]
    assert len(leaks({"srv/" + PLANTED.decode(): b""})) == 1


def test_a_file_deleted_by_a_later_layer_is_still_found() -> None:
    found = leaks({"root/token": PLANTED}, {"root/.wh.token": b""})
    assert found == [(Kind.SECRET, "layer 1: /root/token")]


def test_a_private_key_is_found() -> None:
    key = b"-----BEGIN RSA PRIVATE KEY-----\n" + b"A" * 64 + b"\n" + b"B" * 64
    assert leaks({"srv/deploy": key}) == [(Kind.SECRET, "layer 1: /srv/deploy")]
    assert leaks({"usr/lib/libgnutls.so": b"\x7fELF" + key}) == []


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("etc/pip.conf", b"[global]\nindex-url = https://packages.internal/simple\n"),
        ("root/.config/pip/pip.conf", b"[global]\nindex-url = https://packages.internal/simple\n"),
        ("root/.npmrc", b"registry=https://npm.internal/\n"),
        ("root/.netrc", b"machine packages.internal login a password b\n"),
        ("etc/apt/sources.list.d/x.list", b"deb http://mirror.internal/debian bookworm main\n"),
        ("etc/apt/sources.list", b"deb http://deb.debian.org.internal/debian bookworm main\n"),
        ("etc/apt/sources.list", b"deb http://me:pw@deb.debian.org/debian bookworm main\n"),
        ("etc/apt/sources.list", b"deb [trusted=yes] file:/srv/mirror bookworm main\n"),
        ("etc/apt/apt.conf.d/01proxy", b'Acquire::http::Proxy "http://proxy.internal:3142";\n'),
        ("./usr/../etc/pip.conf", b"[global]\nindex-url = https://packages.internal/simple\n"),
    ],
)
def test_a_package_index_file_is_found(path: str, content: bytes) -> None:
    assert Kind.PACKAGE_INDEX in [kind for kind, _ in leaks({path: content})]


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        (
            {"config": {"Env": ["PIP_INDEX_URL=https://pypi.internal/simple"]}},
            Kind.PACKAGE_INDEX,
        ),
        ({"config": {"Env": ["http_proxy=http://proxy.internal"]}}, Kind.PACKAGE_INDEX),
        (
            {"history": [{"created_by": "RUN pip install --extra-index-url x"}]},
            Kind.PACKAGE_INDEX,
        ),
        ({"config": {"Env": ["DB_PASSWORD=hunter2"]}}, Kind.SECRET),
        ({"config": {"Labels": {"API_TOKEN": "hunter2"}}}, Kind.SECRET),
        ({"history": [{"created_by": "RUN git clone https://me:pw@git.internal/x"}]}, Kind.SECRET),
        ({"history": [{"comment": PLANTED.decode()}]}, Kind.SECRET),
    ],
)
def test_a_leak_in_configuration_or_history_is_found(config: dict, kind: Kind) -> None:
    assert [found for found, _ in leaks(config=config)] == [kind]


def test_a_finding_does_not_repeat_the_secret() -> None:
    blob = io.BytesIO(tar({"srv/x": PLANTED}))
    (leak,) = find_leaks({}, [blob], planted={"the planted value": PLANTED})
    assert PLANTED.decode() not in str(leak)


def refusal(
    *blobs: bytes, limits: Limits | None = None, clock: Iterator[float] | None = None
) -> str:
    ticks = clock or iter(lambda: 0.0, None)
    files = read_layers(map(io.BytesIO, blobs), limits or Limits(), lambda: next(ticks))
    with pytest.raises(LayerRefused) as refused:
        _ = [list(file.chunks) for file in files]
    return str(refused.value)


def test_what_exceeds_the_limits_is_refused() -> None:
    bomb = gzip.compress(tar({"zeros": bytes(3_000_000)}))
    assert "unpack to more than 1000000 bytes" in refusal(bomb, limits=Limits(unpacked_bytes=10**6))
    many = tar({str(n): b"" for n in range(20)})
    assert "more than 10 entries" in refusal(many, limits=Limits(entries=10))
    assert "more than 2 layers" in refusal(many, many, many, limits=Limits(layers=2))
    assert "within 5 s" in refusal(bomb, limits=Limits(seconds=5), clock=map(float, count()))


def test_what_is_no_tar_archive_is_refused() -> None:
    whole = gzip.compress(tar({"x": bytes(100_000)}))
    for blob in (
        b"",
        b"not a tar archive" * 100,
        whole[: len(whole) // 2],
        whole[:60] + bytes(30) + whole[90:],
    ):
        assert "layer 1 is not a readable tar archive" in refusal(blob)
    assert "zstd" in refusal(b"\x28\xb5\x2f\xfd" + bytes(100))


def test_headers_that_would_fill_the_memory_are_refused() -> None:
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 2 * 1024**2
    assert "header is larger" in refusal(header.tobuf() + bytes(3 * 1024**2))
    sparse = tarfile.TarInfo("x")
    sparse.type = tarfile.GNUTYPE_SPARSE
    assert "sparse" in refusal(sparse.tobuf() + bytes(10240))
    attributes = tarfile.TarInfo("x")
    attributes.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}
    assert "sparse" in refusal(attributes.tobuf(tarfile.PAX_FORMAT) + bytes(10240))


def test_a_hostile_name_stays_inside_the_image() -> None:
    blob = io.BytesIO(tar({"../../etc/passwd": b"", "/root/\x1b[31m": b""}))
    names = [str(file) for file in read_layers([blob])]
    assert names == ["layer 1: /etc/passwd", r"layer 1: /root/\x1b[31m"]


def test_a_file_is_read_as_a_container_sees_it() -> None:
    def read(*layer_files: dict[str, bytes]) -> bytes:
        layers = [io.BytesIO(tar(files)) for files in reversed(layer_files)]
        return read_file(layers, "etc/app/x.toml")

    lower = {"./etc/app/x.toml": b"lower"}
    assert read(lower, {"etc/other": b""}) == b"lower"
    assert read(lower, {"etc/app/x.toml": b"upper"}) == b"upper"
    for hidden in ("etc/app/.wh.x.toml", "etc/.wh.app", "etc/app/.wh..wh..opq", ".wh.etc"):
        with pytest.raises(FileNotFoundError, match=r"no file /etc/app/x\.toml"):
            read(lower, {hidden: b""})
    both = {"etc/app/x.toml": b"upper", "etc/app/.wh..wh..opq": b""}
    assert read(lower, both) == b"upper"
    assert read(lower, both, {"etc/other": b""}) == b"upper"


def test_layers_below_a_file_are_not_read() -> None:
    base = io.BytesIO(b"not a tar archive")
    for above in ({"etc/x": b"1"}, {"etc/x": b"1", ".wh.etc": b""}):
        layers = [io.BytesIO(tar(above)), io.BytesIO(tar({"a": b""})), base]
        assert read_file(layers, "etc/x") == b"1"
    layers = [io.BytesIO(tar({".wh.etc": b""})), io.BytesIO(tar({"a": b""})), base]
    with pytest.raises(FileNotFoundError):
        read_file(layers, "etc/x")
