"""The Git repository that Flux tracks: commits by the suite, and what the server logged.

The server is Apache with ``git http-backend`` in a pod (fixtures/bootstrap/git-server.yaml). The
suite keeps a bare clone and writes commits with ``git fast-import``, without a work tree. Passwords
reach git by its configuration in the environment, so they are in no argument list and in no log.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shlex
import shutil
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urljoin

import requests

from conformance.common.errors import HarnessError
from conformance.common.transcript import record
from conformance.kube.client import Kube
from conformance.kube.logs import wait_for_line

SERVER = "git-server"
"""Name of the server's Deployment, Service and Secret."""
SELECTOR = "app.kubernetes.io/name=git-server"
IDENTITY = "Stackspin conformance suite <suite@stackspin.test>"
FILE_MODE = "100644"
_CLONE = "stackspin-conformance-git-"
_GIT_TIMEOUT = 60.0
"""Seconds for one git command; a push of the whole tree takes 0.2."""
_CONNECT_TIMEOUT = 15.0
"""Seconds in which the server's port must take connections; kube-proxy needs up to one."""
_ACCESS = '{"access"'
"""With which a line of the server's log begins that tells of a request."""
_UNREACHED = "Failed to connect to"
"""What git (libcurl) says when it could not send a request at all."""


@dataclass(frozen=True)
class Credential:
    """A user of the Git server; ``reader`` is what the cluster has, ``pusher`` the suite."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Entry:
    """One request in the server's access log."""

    time: datetime
    client: str
    """IP address of the peer; a node's for requests through the NodePort."""
    user: str
    """The authenticated user, or "-"."""
    method: str
    path: str
    service: str
    """git-upload-pack (a read), git-receive-pack (a push), or empty."""
    status: int


class GitRefused(Exception):
    """The server, or git itself, refused; the text is git's own."""


class Repository:
    """A repository on a server, written to with ``pusher``. Thread-safe.

    ``reader`` is the credential that the cluster has; it is here for those who test it.
    """

    def __init__(self, url: str, reader: Credential, pusher: Credential) -> None:
        if shutil.which("git") is None:
            raise HarnessError("git is not installed", "apt-get install git")
        self.url = url
        self.reader = reader
        self.pusher = pusher
        self.lock = threading.RLock()
        """Held by whoever commits what depends on what he has read."""
        _sweep()
        # Removed by close, or else when the process ends.
        self._folder = tempfile.TemporaryDirectory(prefix=f"{_CLONE}{os.getpid()}-")
        self._clone = Path(self._folder.name)
        self._git("init", "--quiet", "--bare", "--initial-branch=main", ".")

    def fetch(self) -> bool:
        """Bring the clone to what the server has; False if the server's repository is empty."""
        with self.lock:
            self._remote("fetch", "--prune", self.url, "+refs/heads/*:refs/heads/*")
            return bool(self._git("for-each-ref", "refs/heads/main"))

    def commit(
        self,
        changes: Mapping[str, str | bytes | None],
        message: str,
        branch: str = "main",
        *,
        start: str = "main",
    ) -> str:
        """Commit ``changes`` (path: content, None deletes) and push; return the commit's hash.

        A branch that does not exist yet begins at ``start``. Raises ``GitRefused``.
        """
        with self.lock:
            parent = self.head(branch) or self.head(start)
            self._git("fast-import", "--quiet", stdin=_stream(branch, parent, changes, message))
            self.push()
            head = self.head(branch)
            assert head is not None  # noqa: S101 - fast-import has just made it
            return head

    def head(self, branch: str = "main") -> str | None:
        """Return the hash of a branch's last commit, None if there is no such branch."""
        return self._git("for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}") or None

    def includes(self, revision: str, commit: str) -> bool:
        """Whether a revision as Flux writes it (``branch@sha1:HASH``) includes a commit."""
        try:
            self._git("merge-base", "--is-ancestor", commit, revision.rpartition(":")[2])
        except GitRefused:  # git tells "no" and "no such commit" by its exit status
            return False
        return True

    def read(self, path: str, branch: str = "main") -> str:
        """Return a committed file. Raises ``GitRefused`` if there is none."""
        return self._git("cat-file", "blob", f"refs/heads/{branch}:{path}", strip=False)

    def files(self, branch: str = "main") -> list[str]:
        """Return the paths of every file of a branch."""
        listing = self._git("ls-tree", "-r", "-z", "--name-only", f"refs/heads/{branch}")
        return [path for path in listing.split("\0") if path]

    def differing(
        self, files: Mapping[str, bytes], branch: str = "main"
    ) -> dict[str, str | bytes | None]:
        """Return those of ``files`` that a branch has not, or has with other content."""
        listing = self._git("ls-tree", "-r", "-z", "--format=%(objectname) %(path)", branch)
        committed: dict[str, str] = {}
        for line in filter(None, listing.split("\0")):
            name, _, path = line.partition(" ")
            committed[path] = name
        return {
            path: content
            for path, content in files.items()
            if committed.get(path) != _blob(content)
        }

    def push(self, *, as_: Credential | None = None) -> None:
        """Push every branch of the clone, for example to a replaced (empty) server.

        ``as_`` is the credential to use, the suite's own by default. Raises ``GitRefused``.
        """
        with self.lock:
            self._remote("push", self.url, "refs/heads/*:refs/heads/*", credential=as_)

    def delete_branch(self, branch: str) -> None:
        """Delete a branch on the server and in the clone. Raises ``GitRefused``."""
        with self.lock:
            self._remote("push", self.url, f":refs/heads/{branch}")
            self._git("update-ref", "-d", f"refs/heads/{branch}")

    def close(self) -> None:
        """Remove the private clone."""
        self._folder.cleanup()

    def _remote(self, command: str, *argv: str, credential: Credential | None = None) -> None:
        """Run a git command that needs the server, again while its port takes no connection.

        No API tells when kube-proxy has the rules of a NodePort whose pod has just become Ready.
        """
        deadline = time.monotonic() + _CONNECT_TIMEOUT
        while True:
            try:
                self._git(command, "--quiet", *argv, credential=credential)
            except GitRefused as error:
                if _UNREACHED not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return

    def _git(
        self,
        *argv: str,
        stdin: bytes | None = None,
        credential: Credential | None = None,
        strip: bool = True,
    ) -> str:
        result = subprocess.run(
            ["git", *argv],
            cwd=self._clone,
            env=_environment(self.url, credential or self.pusher),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            timeout=_GIT_TIMEOUT,
            check=False,
        )
        record(shlex.join(["git", *argv]), f"exit status {result.returncode}")
        if result.returncode != 0:
            raise GitRefused(f"git {argv[0]}: {result.stderr.decode(errors='replace').strip()}")
        text = result.stdout.decode()
        return text.strip() if strip else text


class GitServer(Repository):
    """The repository that Flux tracks, with the log of the pod that serves it."""

    def __init__(
        self, kube: Kube, namespace: str, url: str, reader: Credential, pusher: Credential
    ) -> None:
        super().__init__(url, reader, pusher)
        self._kube = kube
        self.namespace = namespace
        """Of the server."""

    def moved(self, changes: Mapping[str, str | bytes | None]) -> Mapping[str, str | bytes | None]:
        """Return what the repository makes of changes that are committed to it."""
        return changes

    def pod(self) -> str:
        """Return the name of the server's running pod. HarnessError if there is none."""
        for pod in self._kube.list("v1", "Pod", self.namespace, labels=SELECTOR):
            running = pod["status"].get("phase") == "Running"
            if running and "deletionTimestamp" not in pod["metadata"]:
                return str(pod["metadata"]["name"])
        raise HarnessError(
            "the Git server has no running pod",
            f"kubectl -n {self.namespace} describe pods -l {SELECTOR}",
        )

    def access_log(self) -> list[Entry]:
        """Return every request that the running container answered before this call, oldest first.

        The log is behind the answers: it is read until it has a request that is made here, by a
        path that nobody else asks for. Raises ``WaitTimeout``.
        """
        marker = f"/{uuid.uuid4().hex}"
        with requests.Session() as session:
            session.trust_env = False
            session.get(urljoin(self.url, marker), timeout=self._kube.timeouts.http)
        pod = self.pod()
        wait_for_line(self._kube, self.namespace, pod, _ACCESS, marker)
        lines = self._kube.logs(self.namespace, pod).splitlines()
        return [entry for line in lines if (entry := parse_entry(line)) is not None]


def cluster_url(namespace: str) -> str:
    """Return where Flux finds the repository of the server in a namespace."""
    return f"http://{SERVER}.{namespace}.svc.cluster.local/stackspin.git"


def parse_entry(line: str) -> Entry | None:
    """Return the request a line of the server's log tells of, None for any other line."""
    if not line.startswith(_ACCESS):
        return None
    try:
        # Apache writes what is not printable as \xHH, which JSON does not know.
        access = json.loads(line.replace("\\x", "\\u00"))["access"]
    except (ValueError, KeyError):
        return None
    query = parse_qs(access["query"].removeprefix("?"))
    last = access["path"].rsplit("/", 1)[-1]
    service = query.get("service", [last if last.startswith("git-") else ""])[0]
    return Entry(
        time=datetime.fromtimestamp(access["time_ms"] / 1000, UTC),
        client=access["client"],
        user=access["user"],
        method=access["method"],
        path=access["path"],
        service=service,
        status=access["status"],
    )


def _environment(url: str, credential: Credential) -> dict[str, str]:
    """Return git's environment: none of the user's configuration, no prompt, the credential."""
    token = base64.b64encode(f"{credential.user}:{credential.password}".encode()).decode()
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.devnull,
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": f"http.{url}.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {token}",
        "GIT_CONFIG_KEY_1": "http.proxy",
        "GIT_CONFIG_VALUE_1": "",
    }


def _stream(
    branch: str, parent: str | None, changes: Mapping[str, str | bytes | None], message: str
) -> bytes:
    """Return the commit in the language of git fast-import (git-fast-import(1))."""
    now = int(datetime.now(UTC).timestamp())
    lines = [
        f"commit refs/heads/{branch}".encode(),
        f"committer {IDENTITY} {now} +0000".encode(),
        _data(message.encode()),
    ]
    if parent is not None:
        lines.append(f"from {parent}".encode())
    for path, content in changes.items():
        quoted = json.dumps(path, ensure_ascii=False)
        if content is None:
            lines.append(f"D {quoted}".encode())
        else:
            lines.append(f"M {FILE_MODE} inline {quoted}".encode())
            lines.append(_data(content.encode() if isinstance(content, str) else content))
    return b"\n".join(lines) + b"\n"


def _blob(content: bytes) -> str:
    """Return the name Git gives to a file's content."""
    header = f"blob {len(content)}\0".encode()
    return hashlib.sha1(header + content, usedforsecurity=False).hexdigest()


def _sweep() -> None:
    """Remove the clones of runs that were killed: their name says whose they were."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_CLONE}*"):
        owner = folder.name.removeprefix(_CLONE).partition("-")[0]
        if owner.isdigit() and not Path("/proc", owner).exists():
            shutil.rmtree(folder, ignore_errors=True)


def _data(content: bytes) -> bytes:
    return f"data {len(content)}\n".encode() + content
