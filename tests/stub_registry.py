"""A registry that serves images from memory, and lies or refuses where a test wants it to."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from conformance.common.architecture import architecture
from conformance.oci.layout import Entry, Layout

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@dataclass
class StubRegistry:
    """What it has, by path, and what it was asked."""

    kept: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    login: str = ""
    """``name:password`` for which it gives tokens; empty: it asks for no login."""
    answer: Callable[[str], int | None] = lambda _: None
    """A status instead of what is at a path."""
    redirect_blobs: str = ""
    """``http://HOST`` to which blobs are redirected."""
    authorizations: list[str] = field(default_factory=list)
    address: str = ""

    def add(self, repository: str, tag: str, layout: Path) -> str:
        """Serve a layout's image; return its digest."""
        (described,) = json.loads((layout / "index.json").read_text())["manifests"]
        for blob in (layout / "blobs" / "sha256").iterdir():
            self._blob(repository, blob.read_bytes())
        content = (layout / "blobs" / "sha256" / described["digest"][7:]).read_bytes()
        return self.add_manifest(repository, tag, content, described["mediaType"])

    def add_image(self, repository: str, tag: str, folder: Path, **files: str) -> str:
        """Serve an image of files (path with __ for a slash = content); return its digest."""
        layout = Layout(folder / hashlib.sha256(f"{repository}{tag}".encode()).hexdigest())
        layout.add_files(
            [Entry(f"/{name.replace('__', '/')}", text.encode()) for name, text in files.items()]
        )
        layout.finish(f"{repository}:{tag}")
        return self.add(repository, tag, layout._folder)

    def add_index(self, repository: str, tag: str, digests: dict[str, str]) -> str:
        """Serve an index of platforms (``linux/amd64`` -> digest); return its digest."""
        entries = []
        for name, digest in digests.items():
            system, _, processor = name.partition("/")
            platform = {"os": system, "architecture": processor}
            entries.append({"mediaType": MANIFEST, "digest": digest, "platform": platform})
        content = json.dumps({"mediaType": INDEX, "manifests": entries}).encode()
        return self.add_manifest(repository, tag, content, INDEX)

    def add_manifest(self, repository: str, tag: str, content: bytes, media_type: str) -> str:
        """Serve any manifest; return its digest."""
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        for version in (tag, digest):
            self.kept[f"/v2/{repository}/manifests/{version}"] = (content, media_type)
        return digest

    def _blob(self, repository: str, content: bytes) -> None:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.kept[f"/v2/{repository}/blobs/{digest}"] = (content, "application/octet-stream")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def stub(self) -> StubRegistry:
        return self.server.stub  # type: ignore[attr-defined, no-any-return]

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        stub, path = self.stub, self.path
        stub.asked.append(f"{self.command} {path}")
        authorization = self.headers.get("Authorization", "")
        stub.authorizations.append(authorization)
        if path.startswith("/token"):
            self._token(authorization)
        elif status := stub.answer(path):
            self._send(status, b"", {}, body)
        elif stub.login and authorization != "Bearer good":
            repository = path.split("/manifests/")[0].split("/blobs/")[0].removeprefix("/v2/")
            realm = f'realm="http://{stub.address}/token",service="stub"'
            scope = f'Bearer {realm},scope="repository:{repository}:pull"'
            self._send(401, b"", {"WWW-Authenticate": scope}, body)
        elif "/blobs/" in path and stub.redirect_blobs:
            self._send(307, b"", {"Location": f"{stub.redirect_blobs}{path}"}, body)
        elif path in stub.kept:
            content, media_type = stub.kept[path]
            self._send(200, content, {"Content-Type": media_type}, body)
        else:
            self._send(200 if path == "/v2/" else 404, b"{}", {}, body)

    def _token(self, authorization: str) -> None:
        right = "Basic " + base64.b64encode(self.stub.login.encode()).decode()
        answer: dict[str, Any] = {"token": "good"} if authorization == right else {"details": "no"}
        self._send(200 if "token" in answer else 401, json.dumps(answer).encode(), {}, True)

    def _send(self, status: int, content: bytes, headers: dict[str, str], body: bool) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Say nothing of clients that have read enough."""


@contextlib.contextmanager
def serving() -> Iterator[StubRegistry]:
    """Serve an empty registry on this machine."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        stub = StubRegistry()
        server.stub = stub  # type: ignore[attr-defined]
        stub.address = f"127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield stub
        server.shutdown()


HERE = f"linux/{architecture()}"
