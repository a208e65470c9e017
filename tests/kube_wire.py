"""The Kubernetes API's wire format, in process: what the real client meets, on demand.

Lists, watches (chunked JSON lines, bookmarks, 410 in both its forms, cuts, silence) and the exec
subresource's WebSocket, as kube-apiserver 1.36 sends them.
"""

from __future__ import annotations

import base64
import hashlib
import json
import queue
import socket
import struct
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from conformance.kube.objects import Object

_CORE = [
    (name, kind, True)
    for name, kind in (
        ("pods", "Pod"),
        ("secrets", "Secret"),
        ("events", "Event"),
        ("configmaps", "ConfigMap"),
    )
]
_APPS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")
CUT = object()
"""Queued for a watch: end the connection in the middle of an event."""
END = object()
"""Queued for a watch: end it cleanly, as the API server does after some minutes."""


def pod(name: str = "web", ready: str = "False", **status: Any) -> Object:
    """Return a pod whose Ready condition is ``ready``."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "n", "resourceVersion": "7", "uid": f"uid-{name}"},
        "status": {"phase": "Pending", "conditions": [{"type": "Ready", "status": ready}]} | status,
    }


def event(kind: str, item: Object) -> Object:
    return {"type": kind, "object": item}


def gone() -> Object:
    status = {"kind": "Status", "status": "Failure", "reason": "Expired", "code": 410}
    return event("ERROR", status | {"message": "too old resource version: 1 (9)"})


class WireServer:
    """``objects`` answers lists; what is put into ``watches`` goes out on the watches, in turn.

    ``intercept`` sees each request first and may answer it instead (returns True).
    """

    def __init__(self, port: int = 0, **objects: list[Object]) -> None:
        self.objects = objects
        self.kinds = {
            "v1": [*_CORE, ("namespaces", "Namespace", False)],
            "apps/v1": [(f"{kind.lower()}s", kind, True) for kind in _APPS],
            "batch/v1": [("jobs", "Job", True), ("cronjobs", "CronJob", True)],
        }
        self.logs: dict[str, str] = {}
        self.watches: queue.Queue[Any] = queue.Queue()
        self.requests: list[tuple[str, str]] = []
        self.watched = threading.Event()
        """Set once a watch is open: what is put into ``watches`` is news from then on."""
        self.bodies: list[Object] = []
        self.intercept: Callable[[Handler], bool] = lambda _: False
        self.connections: list[socket.socket] = []
        server = self

        class Bound(Handler):
            wire = server

        self._http = _Listener(("127.0.0.1", port), Bound)
        self.port = self._http.server_address[1]
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def kubeconfig(self, folder: Path) -> Path:
        return write_kubeconfig(folder, self.port)

    def lists(self, plural: str) -> int:
        return sum(path.endswith(f"/{plural}") for method, path in self.requests if method == "GET")

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        for connection in self.connections:
            _hang_up(connection)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wire: WireServer

    def log_message(self, *_: object) -> None:
        pass

    def setup(self) -> None:
        super().setup()
        self.wire.connections.append(self.connection)

    def handle_one(self) -> None:
        parts = urlsplit(self.path)
        self.query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        self.where = parts.path
        watching = "?watch" if self.query.get("watch") else ""
        self.wire.requests.append((self.command, parts.path + watching))
        length = int(self.headers.get("Content-Length") or 0)
        if length:
            self.wire.bodies.append(json.loads(self.rfile.read(length)))
        if self.wire.intercept(self):
            return
        kinds = self.wire.kinds
        if self.where == "/apis":
            groups = [_group(version) for version in kinds if "/" in version]
            self.answer({"groups": groups})
        elif (version := self.where.removeprefix("/apis/").removeprefix("/api/")) in kinds:
            self.answer({"resources": [_resource(*kind) for kind in kinds[version]]})
        elif self.where.endswith("/log"):
            self.answer_text(200, self.wire.logs.get(self.where.split("/")[-2], ""))
        elif self.command != "GET":
            self.answer(self.wire.bodies[-1] if self.wire.bodies else {})
        elif self.query.get("watch"):
            self.watch()
        elif kind := self.plurals().get(plural := self.where.rsplit("/", 1)[-1]):
            items = self.wire.objects.get(plural, [])
            wanted = self.query.get("fieldSelector", "").removeprefix("metadata.name=")
            items = [item for item in items if wanted in ("", item["metadata"]["name"])]
            version = {"resourceVersion": "7"}
            self.answer({"kind": f"{kind}List", "metadata": version, "items": items})
        else:
            self.fail(404, "NotFound", "the server could not find the requested resource")

    do_GET = do_PATCH = do_POST = do_DELETE = handle_one

    def plurals(self) -> dict[str, str]:
        every = [kind for kinds in self.wire.kinds.values() for kind in kinds]
        return {plural: kind for plural, kind, _ in every}

    def answer(self, body: Object, status: int = 200, **headers: str) -> None:
        self.answer_text(status, json.dumps(body), **headers)

    def fail(self, status: int, reason: str, message: str, **headers: str) -> None:
        self.answer({"kind": "Status", "reason": reason, "message": message}, status, **headers)

    def answer_text(self, status: int, text: str, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def watch(self) -> None:
        self.start_stream()
        self.wire.watched.set()
        while (item := self.wire.watches.get()) is not END:
            line = json.dumps(item if item is not CUT else gone()).encode() + b"\n"
            if item is CUT:
                self.chunk(line[:20])
                _hang_up(self.connection)
                return
            self.chunk(line)
        self.wfile.write(b"0\r\n\r\n")

    def start_stream(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()

    def chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def trickle(self) -> bool:
        """Send a byte of an event that never ends, for ever, faster than any read time-out."""
        self.start_stream()
        try:
            while True:
                self.chunk(b" ")
                time.sleep(0.02)
        except OSError:
            return True

    def accept_websocket(self, protocol: str) -> None:
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        token = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()  # noqa: S324
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", token)
        self.send_header("Sec-WebSocket-Protocol", protocol)
        self.end_headers()
        self.wfile.flush()
        self.close_connection = True

    def send_message(self, channel: int, data: bytes, opcode: int = 2) -> None:
        payload = bytes((channel,)) + data if opcode == 2 else data
        size = len(payload)
        if size < 126:
            header = bytes((0x80 | opcode, size))
        elif size < 65536:
            header = bytes((0x80 | opcode, 126)) + struct.pack("!H", size)
        else:
            header = bytes((0x80 | opcode, 127)) + struct.pack("!Q", size)
        self.wfile.write(header + payload)
        self.wfile.flush()

    def read_message(self) -> tuple[int, bytes]:
        first, second = self.rfile.read(2)
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack("!H", self.rfile.read(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", self.rfile.read(8))
        mask = self.rfile.read(4)
        data = self.rfile.read(size)
        key = (mask * (size // 4 + 1))[:size]
        plain = (int.from_bytes(data) ^ int.from_bytes(key)).to_bytes(size)
        if first & 0x0F != 2:
            return -1, plain
        return plain[0], plain[1:]


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_port = True  # so that a test can keep a port that nobody listens at

    def handle_error(self, *_: object) -> None:
        """A client that has left is no error here."""


def write_kubeconfig(folder: Path, port: int) -> Path:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "u", "user": {"token": "t0ken"}}],
    }
    path = folder / "kubeconfig"
    path.write_text(json.dumps(config))
    return path


def _hang_up(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


def _group(version: str) -> Object:
    return {"name": version.partition("/")[0], "preferredVersion": {"groupVersion": version}}


def _resource(plural: str, kind: str, namespaced: bool) -> Object:
    return {"name": plural, "kind": kind, "namespaced": namespaced, "verbs": ["get", "list"]}
