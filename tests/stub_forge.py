"""The comments of one merge or pull request of a forge, kept in memory."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "glpat-1"


@dataclass
class StubForge:
    """Answers as GitHub or GitLab does; both give a list in pages."""

    comments: dict[int, str] = field(default_factory=dict)
    """By their ids."""
    of_others: set[int] = field(default_factory=set)
    """Ids of those that the token may not change."""
    asked: list[str] = field(default_factory=list)
    """Method and path."""
    address: str = ""

    def answer(self, method: str, path: str, token: str, body: Any) -> tuple[int, object]:
        """Return status and answer."""
        url = urlsplit(path)
        self.asked.append(f"{method} {url.path}")
        if token != TOKEN:
            return 403, {"message": "Resource not accessible by integration"}
        if method == "GET":
            query = parse_qs(url.query)
            page, size = int(query["page"][0]), int(query["per_page"][0])
            every = [{"id": number, "body": text} for number, text in self.comments.items()]
            return 200, every[(page - 1) * size : page * size]
        if method == "POST":
            number = max(self.comments, default=0) + 1
        else:
            number = int(re.findall(r"/(\d+)$", url.path)[0])
            if number in self.of_others:
                return 403, {"message": "Forbidden"}
        self.comments[number] = body["body"]
        return 200, {"id": number}


@contextmanager
def stub_forge() -> Iterator[StubForge]:
    """Serve a forge while the body runs."""
    forge = StubForge()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            given = json.loads(self.rfile.read(length)) if length else None
            bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
            token = self.headers.get("PRIVATE-TOKEN") or bearer
            status, answer = forge.answer(self.command, self.path, token, given)
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_PUT = do_PATCH = do_GET

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    forge.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield forge
    finally:
        server.shutdown()
        server.server_close()
