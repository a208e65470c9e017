"""The Git client against a real git http-backend, without a cluster."""

from __future__ import annotations

import base64
import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import kube_wire as wire
import pytest

from conformance.kube.client import Kube
from conformance.services.git import (
    Credential,
    GitRefused,
    GitServer,
    Repository,
    parse_entry,
)

READER = Credential("reader", "planted-reader-password")
PUSHER = Credential("pusher", "planted-pusher-password")
USERS = (READER, PUSHER)
BACKEND = Path(
    subprocess.run(
        ["git", "--exec-path"], capture_output=True, text=True, check=True
    ).stdout.strip()
)


class Backend(BaseHTTPRequestHandler):
    """Basic authentication and CGI, as the Apache in the image has them."""

    root: ClassVar[Path]

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        user = self._user()
        writes = "git-receive-pack" in self.path
        if user is None or (writes and user != "pusher"):
            self.send_error(401 if user is None else 403)
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "REMOTE_USER": user,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "CONTENT_LENGTH": str(len(body)),
        }
        argv = [str(BACKEND / "git-http-backend")]
        answer = subprocess.run(argv, input=body, env=environment, capture_output=True, check=True)
        head, _, content = answer.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        pass

    def _user(self) -> str | None:
        token = self.headers.get("Authorization", "").removeprefix("Basic ")
        known = {f"{item.user}:{item.password}": item.user for item in (READER, PUSHER)}
        return known.get(base64.b64decode(token).decode())


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    path = tmp_path / "stackspin.git"
    subprocess.run(["git", "init", "-q", "--bare", "--initial-branch=main", str(path)], check=True)
    return path


@pytest.fixture
def server(bare: Path) -> Iterator[Repository]:
    handler = type("Handler", (Backend,), {"root": bare.parent})
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{http.server_port}/stackspin.git"
    git = Repository(url, READER, PUSHER)
    yield git
    git.close()
    http.shutdown()
    http.server_close()


def _committed(bare: Path, path: str, branch: str = "main") -> bytes:
    argv = ["git", "-C", str(bare), "cat-file", "blob", f"{branch}:{path}"]
    return subprocess.run(argv, capture_output=True, check=True).stdout


def test_commits_change_and_delete_files(server: Repository, bare: Path) -> None:
    assert not server.fetch()
    first = server.commit({"a/é ü.yaml": "x: 1\n", "b": b"\x00\n\n"}, "first")
    second = server.commit({"a/é ü.yaml": 'x: "$2"\n', "b": None}, "second: ü")
    assert first != second == server.head()
    assert _committed(bare, "a/é ü.yaml") == b'x: "$2"\n'
    assert server.files() == ["a/é ü.yaml"]


def test_a_new_branch_begins_at_main(server: Repository, bare: Path) -> None:
    server.commit({"a": "1"}, "first")
    server.commit({"b": "2"}, "on a branch", branch="topic")
    assert _committed(bare, "a", "topic") == b"1"
    assert server.files("main") == ["a"]
    server.delete_branch("topic")
    assert server.head("topic") is None


def test_the_read_only_credential_cannot_push(server: Repository) -> None:
    server.commit({"a": "1"}, "first")
    with pytest.raises(GitRefused, match="403"):
        server.push(as_=READER)


def test_a_refusal_never_tells_the_password(server: Repository) -> None:
    wrong = Credential("pusher", "planted-wrong-password")
    server.commit({"a": "1"}, "first")
    with pytest.raises(GitRefused) as caught:
        server.push(as_=wrong)
    token = base64.b64encode(b"pusher:planted-wrong-password").decode()
    assert "planted" not in str(caught.value) + repr(wrong)
    assert token not in str(caught.value)


def test_a_replaced_server_gets_everything_again(server: Repository, bare: Path) -> None:
    head = server.commit({"a": "1"}, "first")
    subprocess.run(["rm", "-r", str(bare)], check=True)
    subprocess.run(["git", "init", "-q", "--bare", "--initial-branch=main", str(bare)], check=True)
    server.push()
    argv = ["git", "-C", str(bare), "rev-parse", "main"]
    found = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()
    assert found == head


def test_a_port_that_opens_late_is_waited_for(bare: Path) -> None:
    handler = type("Handler", (Backend,), {"root": bare.parent})
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler, bind_and_activate=False)
    http.server_bind()  # nobody listens yet: a connection is refused
    opening = threading.Timer(0.5, lambda: (http.server_activate(), http.serve_forever()))
    git = Repository(f"http://127.0.0.1:{http.socket.getsockname()[1]}/stackspin.git", *USERS)
    opening.start()
    try:
        git.commit({"a": "1"}, "first")
        assert _committed(bare, "a") == b"1"
    finally:
        git.close()
        opening.join(0.6)
        http.shutdown()
        http.server_close()


def test_a_port_that_stays_closed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.services.git._CONNECT_TIMEOUT", 0.3)
    with ThreadingHTTPServer(("127.0.0.1", 0), Backend, bind_and_activate=False) as http:
        http.server_bind()
        git = Repository(f"http://127.0.0.1:{http.socket.getsockname()[1]}/x.git", *USERS)
        with pytest.raises(GitRefused, match="Failed to connect"):
            git.fetch()
        git.close()


def test_only_what_differs_is_committed(server: Repository) -> None:
    server.commit({"same": "1", "other": "1", "not mine": "1"}, "first")
    wanted = {"same": b"1", "other": b"2", "new": b"3"}
    assert server.differing(wanted) == {"other": b"2", "new": b"3"}


def test_a_later_revision_includes_a_commit_and_an_earlier_one_does_not(server: Repository) -> None:
    first = server.commit({"a": "1"}, "first")
    second = server.commit({"a": "2"}, "second")
    elsewhere = server.commit({"b": "1"}, "elsewhere", "experiment", start="main")
    assert server.includes(f"main@sha1:{second}", first)
    assert server.includes(f"main@sha1:{first}", first)
    assert not server.includes(f"main@sha1:{first}", second)
    assert not server.includes(f"main@sha1:{second}", elsewhere)
    assert not server.includes("", first)


def test_the_access_log_is_read_once_it_has_caught_up(tmp_path: Path) -> None:
    """The server logs a push only after the suite has asked it for something else."""
    pod = wire.pod("git-server-1", phase="Running")
    line = (
        '{{"access": {{"time_ms": 1, "client": "10.244.0.7", "user": "reader",'
        ' "method": "GET", "path": "{}", "query": "?service=git-receive-pack", "status": 403}}}}\n'
    )
    push = line.format("/stackspin.git/info/refs")
    asked: list[str] = []

    def serve(handler: wire.Handler) -> bool:
        if handler.where.endswith("/log"):
            text = push + "".join(line.format(path) for path in asked)
            handler.answer_text(200, text if "follow" in handler.query or asked else "")
            return True
        if handler.where.startswith("/api"):
            return False
        asked.append(handler.where)
        handler.fail(401, "Unauthorized", "who are you?")
        return True

    server = wire.WireServer(pods=[pod])
    server.intercept = serve
    kube = Kube(server.kubeconfig(tmp_path))
    url = f"http://127.0.0.1:{server.port}/stackspin.git"
    git = GitServer(kube, "git", url, READER, PUSHER)
    try:
        log = git.access_log()
    finally:
        git.close()
        kube.close()
        server.close()
    assert log[0].service == "git-receive-pack"
    assert log[0].client == "10.244.0.7"
    assert [entry.path for entry in log[1:]] == asked


def test_an_access_log_line_is_a_request() -> None:
    line = (
        '{"access": {"time_ms": 1795468403983, "client": "10.244.0.1", "user": "reader",'
        ' "method": "GET", "path": "/stackspin.git/info/refs",'
        ' "query": "?service=git-upload-pack", "status": 200}}'
    )
    entry = parse_entry(line)
    assert entry is not None
    assert (entry.user, entry.service, entry.status) == ("reader", "git-upload-pack", 200)
    posted = parse_entry(
        line.replace("info/refs", "git-receive-pack").replace("?service=git-upload-pack", "")
    )
    assert posted is not None
    assert posted.service == "git-receive-pack"
    assert parse_entry("[Mon Nov 23] [mpm_event:notice] AH00489") is None
    assert parse_entry(line.replace("reader", r"\xc3\" x")) is not None
