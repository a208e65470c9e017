"""The few requests that bringing a node up takes, without the weight of a Kubernetes client."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections.abc import Callable
from pathlib import Path

from conformance.kube.objects import Object


class Api:
    """The API server at ``address``, spoken to as its administrator."""

    def __init__(self, pki: Path, address: str, port: int) -> None:
        self._address = address
        self._port = port
        self._context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        self._context.load_cert_chain(pki / "admin.crt", pki / "admin.key")

    def create(self, path: str, manifest: Object, timeout: float = 10.0) -> int:
        """POST an object and return the HTTP status; ``timeout`` in seconds."""
        return self._send("POST", path, manifest, timeout)

    def put(self, path: str, manifest: Object, timeout: float = 10.0) -> None:
        """Make an object in the list at ``path`` what the manifest says, whether it is there."""
        if self.create(path, manifest, timeout) == http.client.CONFLICT:
            self._send("PUT", f"{path}/{manifest['metadata']['name']}", manifest, timeout)

    def _send(self, method: str, path: str, manifest: Object, timeout: float) -> int:
        connection = self._connect(timeout)
        try:
            body = json.dumps(manifest)
            connection.request(method, path, body, {"Content-Type": "application/json"})
            return connection.getresponse().status
        finally:
            connection.close()

    def watch_until(
        self, path: str, found: Callable[[Object], bool], timeout: float
    ) -> Object | None:
        """Watch a list until an object for which ``found`` is true; return it.

        ``path`` has its query, ``watch=1`` apart. After ``timeout`` seconds return the object seen
        last, for which it is not true, or None if none was seen.
        """
        deadline = time.monotonic() + timeout
        last: Object | None = None
        connection = self._connect(timeout)
        try:
            connection.request("GET", f"{path}&watch=1")
            answer = connection.getresponse()
            while (left := deadline - time.monotonic()) > 0:
                if connection.sock:
                    connection.sock.settimeout(left)
                line = answer.readline()
                if not line:
                    break
                event = json.loads(line)
                if event["type"] in ("ADDED", "MODIFIED"):
                    last = event["object"]
                    if found(event["object"]):
                        break
        except TimeoutError:
            pass
        finally:
            connection.close()
        return last

    def _connect(self, timeout: float) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(
            self._address, self._port, timeout=timeout, context=self._context
        )
