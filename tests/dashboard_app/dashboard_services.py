"""Kratos, Hydra and the Kubernetes API as the dashboard meets them, in one server."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Request:
    """What the dashboard asked for."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    headers: dict[str, str]


@dataclass
class Services:
    """Answers by ``METHOD /SERVICE/path``; everything else is answered with 404."""

    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    asked: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        services = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_request(self) -> None:
                url = urlsplit(self.path)
                length = int(self.headers.get("Content-Length", 0))
                body = json.loads(self.rfile.read(length)) if length else None
                query = dict(parse_qsl(url.query))
                headers = dict(self.headers.items())
                services.asked.append(Request(self.command, url.path, query, body, headers))
                status, answer = services.answers.get(f"{self.command} {url.path}", (404, {}))
                sent = b"" if answer is None else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(sent)))
                self.send_header("Set-Cookie", "somebody=else; Path=/")
                self.end_headers()
                self.wfile.write(sent)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_request

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def forget(self) -> None:
        """Be as new."""
        self.answers.clear()
        self.asked.clear()

    def told(self, method: str, path: str) -> list[Any]:
        """Return the bodies of the requests of this kind."""
        return [one.body for one in self.asked if (one.method, one.path) == (method, path)]

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
