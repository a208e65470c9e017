"""The few requests that bringing a node up takes, without the weight of a Kubernetes client."""

from __future__ import annotations

import calendar
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
        connection = self._connect(timeout)
        try:
            body = json.dumps(manifest)
            connection.request("POST", path, body, {"Content-Type": "application/json"})
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


def is_ready(node: Object, since: float = 0.0) -> bool:
    """Whether a Node said after ``since`` (seconds since the epoch) that it is Ready.

    After a restart the API server first tells what the node said before it was killed. The
    heartbeat's time has whole seconds only, and no node is up within the second it was started in.
    """
    condition = _ready_condition(node)
    beat = condition.get("lastHeartbeatTime") or "1970-01-01T00:00:00Z"
    spoken = calendar.timegm(time.strptime(beat, "%Y-%m-%dT%H:%M:%SZ"))
    return condition.get("status") == "True" and spoken > int(since)


def ready_message(node: Object) -> str:
    """Return what the node says about why it is not Ready."""
    return str(_ready_condition(node).get("message", "the node has not said how it is"))


def _ready_condition(node: Object) -> Object:
    conditions: list[Object] = node.get("status", {}).get("conditions", [])
    return next((item for item in conditions if item["type"] == "Ready"), {})
