"""Whether a credential may push is asked of the server, without pushing."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, cast

import pytest

from conformance.common.redaction import Redactor
from conformance.common.timeouts import Timeouts
from conformance.kube.client import Kube
from conformance.services.flux import Flux
from conformance.services.git_access import Unknown, may_push


class Server(BaseHTTPRequestHandler):
    """Answers one user's question about a push with 200, others with 403."""

    asked: ClassVar[list[str]] = []
    allowed = f"Basic {base64.b64encode(b'pusher:word').decode()}"

    def do_GET(self) -> None:
        self.asked.append(self.path)
        broken = self.path.startswith("/broken")
        status = 500 if broken else 200 if self.headers["Authorization"] == self.allowed else 403
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def server() -> Iterator[str]:
    Server.asked.clear()
    made = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{made.server_port}"
    made.shutdown()
    made.server_close()


class Api:
    timeouts = Timeouts()
    redactor = Redactor()

    def __init__(self, url: str, **secret: str) -> None:
        self.spec: dict[str, Any] = {"url": url}
        if secret:
            self.spec["secretRef"] = {"name": "git"}
        self.data = {key: base64.b64encode(one.encode()).decode() for key, one in secret.items()}

    def get(self, _: str, kind: str, *__: str) -> dict[str, Any]:
        return {"data": self.data} if kind == "Secret" else {"spec": self.spec}


def asked(url: str, **secret: str) -> bool:
    kube = cast(Kube, Api(url, **secret))
    return may_push(kube, Flux(kube, "flux-system", "stackspin", "stackspin"))


@pytest.mark.parametrize(
    ("secret", "may"),
    [
        ({"username": "pusher", "password": "word"}, True),
        ({"username": "reader", "password": "word"}, False),
        ({}, False),
    ],
)
def test_the_server_says_whether_its_credential_may_push(
    server: str, secret: dict[str, str], may: bool
) -> None:
    assert asked(f"{server}/stackspin.git", **secret) is may
    assert Server.asked == ["/stackspin.git/info/refs?service=git-receive-pack"]


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ssh://git@example.org/stackspin.git", "stackspin is read over ssh"),
        ("http://127.0.0.1:9/stackspin.git", "does not answer here"),
    ],
)
def test_what_cannot_be_asked_is_not_known(url: str, why: str) -> None:
    with pytest.raises(Unknown, match=why):
        asked(url)


def test_an_answer_that_says_neither_is_not_known(server: str) -> None:
    with pytest.raises(Unknown, match="answers 500"):
        asked(f"{server}/broken.git")
