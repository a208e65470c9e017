"""The registry client: references, and a registry that lies or is not there."""

from __future__ import annotations

import hashlib
import json
import threading
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from conformance.common.errors import HarnessError
from conformance.oci.reference import Reference
from conformance.oci.registry import Registry

NAME = "docker.io/library/tool"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("docker.io/library/x:1", ("docker.io/library/x", "1", None)),
        ("localhost:5000/x", ("localhost:5000/x", None, None)),
        ("localhost:5000/a/x:v1@sha256:ab", ("localhost:5000/a/x", "v1", "sha256:ab")),
        ("x@sha256:ab", ("x", None, "sha256:ab")),
    ],
)
def test_references_are_split_at_the_right_colon(text: str, expected: tuple[str, ...]) -> None:
    found = Reference.parse(text)
    assert (found.repository, found.tag, found.digest) == expected


def test_no_registry_at_all_is_said() -> None:
    with pytest.raises(HarnessError, match=r"127\.0\.0\.1:1 does not answer"):
        Registry("127.0.0.1:1").tags("x")


class _Liar(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"wrong")

    def log_message(self, *_: object) -> None:
        pass


class _Store(BaseHTTPRequestHandler):
    """A registry that keeps what it is sent, by path."""

    def do_HEAD(self) -> None:
        self._answer(200 if self.path in self._kept else 404)

    def do_GET(self) -> None:
        self._answer(200 if self.path in self._kept else 404, self._kept.get(self.path, b""))

    def do_POST(self) -> None:
        self.send_response(202)
        self.send_header("Location", f"{self.path}1")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_PUT(self) -> None:
        path, _, digest = self.path.partition("?digest=sha256%3A")
        if digest:
            path = f"{path.partition('uploads/')[0]}sha256:{digest}"
        self._kept[path] = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.sent.append(path)  # type: ignore[attr-defined]
        self._answer(201)

    @property
    def _kept(self) -> dict[str, bytes]:
        return self.server.kept  # type: ignore[attr-defined, no-any-return]

    def _answer(self, status: int, content: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/vnd.oci.image.manifest.v1+json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


def test_an_image_is_copied_to_another_registry_without_what_that_has() -> None:
    blobs = {f"sha256:{hashlib.sha256(one).hexdigest()}": one for one in (b"config", b"a", b"b")}
    config, *layers = ({"digest": digest} for digest in blobs)
    manifest = json.dumps({"config": config, "layers": layers}).encode()
    with ExitStack() as stack:
        servers = [stack.enter_context(HTTPServer(("127.0.0.1", 0), _Store)) for _ in range(2)]
        for server in servers:
            server.kept, server.sent = {}, []  # type: ignore[attr-defined]
            threading.Thread(target=server.serve_forever, daemon=True).start()
            stack.callback(server.shutdown)
        here, there = (Registry(f"127.0.0.1:{server.server_port}") for server in servers)
        stored = {f"/v2/{NAME}/blobs/{digest}": content for digest, content in blobs.items()}
        stored[f"/v2/{NAME}/manifests/1"] = manifest
        first, *_ = stored
        servers[0].kept.update(stored)  # type: ignore[attr-defined]
        servers[1].kept[first] = b"config"  # type: ignore[attr-defined]
        assert here.copy_to(there, f"{NAME}:1") == there.digest(f"{NAME}:1")
        assert servers[1].kept == stored  # type: ignore[attr-defined]
        assert len(servers[1].sent) == 3  # type: ignore[attr-defined]


def test_wrong_bytes_from_a_registry_are_noticed() -> None:
    with HTTPServer(("127.0.0.1", 0), _Liar) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        client = Registry(f"127.0.0.1:{server.server_port}")
        right = f"sha256:{hashlib.sha256(b'right').hexdigest()}"
        with client.blob("x", right) as content, pytest.raises(HarnessError, match="other bytes"):
            content.read()
        with pytest.raises(HarnessError, match="another manifest"):
            client.digest(f"x@{right}")
        server.shutdown()
