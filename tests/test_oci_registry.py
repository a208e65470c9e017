"""The registry client: references, and a registry that lies or is not there."""

from __future__ import annotations

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from conformance.common.errors import HarnessError
from conformance.oci.registry import Reference, Registry

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
