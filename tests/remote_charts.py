"""A good package whose chart is elsewhere, and servers that have the chart."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml
from linter_packages import GOOD

VERSION = "3.0.0"
CHART_LAYER = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"


def remote_package(folder: Path, source: Mapping[str, Any], kind: str = "HelmRepository") -> Path:
    """Write a package whose chart is in a source of this kind; its chart is beside it, ``wiki``.

    ``source`` is the source's spec; a ``version`` in it is the release's.
    """
    root = folder / "package"
    shutil.copytree(GOOD / "existing-claims", root)
    shutil.move(root / "helm" / "wiki", folder / "wiki")
    (root / "helm").rmdir()
    chart = folder / "wiki" / "Chart.yaml"
    chart.write_text(yaml.safe_dump({**yaml.safe_load(chart.read_text()), "version": VERSION}))
    file = root / "deploy" / "wiki" / "manifests" / "release.yaml"
    release = yaml.safe_load(file.read_text())
    spec = dict(source)
    where = {"kind": kind, "name": "charts", "namespace": "flux-system"}
    version = spec.pop("version", VERSION)
    if kind == "OCIRepository":
        release["spec"].pop("chart")
        release["spec"]["chartRef"] = where
    else:
        release["spec"]["chart"]["spec"] = {
            "chart": "wiki",
            "version": version,
            "sourceRef": where,
        }
    made = {
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": kind,
        "metadata": {"name": "charts", "namespace": "flux-system"},
        "spec": {"interval": "1h", **spec},
    }
    file.write_text(yaml.safe_dump_all([release, made]))
    return root


def packed(chart: Path) -> bytes:
    """Return the archive of a chart's folder."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        archive.add(chart, "wiki")
    return content.getvalue()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Web:
    """A server's answers; what it has none for is not found."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes] = {}
        self.redirects: dict[str, str] = {}
        self.token = ""
        """What a registry wants; empty: nothing."""
        self.token_given: str | None = None
        """What it gives everybody; None: what it wants."""
        self.asked: list[str] = []
        self.address = ""

    def has_repository(self, chart: bytes, **entry: Any) -> None:
        """Serve a Helm repository at /charts."""
        made = {"version": VERSION, "urls": [f"wiki-{VERSION}.tgz"], "digest": sha256(chart)}
        index = {"apiVersion": "v1", "entries": {"wiki": [{**made, **entry}]}}
        self.answers["/charts/index.yaml"] = yaml.safe_dump(index).encode()
        self.answers[f"/charts/wiki-{VERSION}.tgz"] = chart

    def has_image(self, chart: bytes, media_type: str = CHART_LAYER) -> str:
        """Serve a registry with the chart at /charts/wiki; return the manifest's digest."""
        digest = f"sha256:{sha256(chart)}"
        layer = {"mediaType": media_type, "digest": digest, "size": len(chart)}
        manifest = json.dumps({"schemaVersion": 2, "layers": [layer]}).encode()
        for version in (VERSION, f"sha256:{sha256(manifest)}"):
            self.answers[f"/v2/charts/wiki/manifests/{version}"] = manifest
        self.answers[f"/v2/charts/wiki/blobs/{digest}"] = chart
        return f"sha256:{sha256(manifest)}"


@contextmanager
def web() -> Iterator[Web]:
    """Serve on loopback while the body runs."""
    found = Web()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append(self.path)
            if self.path.startswith("/token"):
                self._answer(200, json.dumps({"token": found.token_given or found.token}).encode())
            elif self.path.startswith("/v2/") and found.token not in (
                "",
                self.headers.get("Authorization", "").removeprefix("Bearer "),
            ):
                realm = f'Bearer realm="http://{found.address}/token",service="a",scope="b c"'
                self._answer(401, b"", {"WWW-Authenticate": realm})
            elif self.path in found.redirects:
                self._answer(302, b"", {"Location": found.redirects[self.path]})
            elif self.path in found.answers:
                self._answer(200, found.answers[self.path])
            else:
                self._answer(404, b"no such thing")

        def _answer(self, status: int, content: bytes, headers: Mapping[str, str] = {}) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.address = f"127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
