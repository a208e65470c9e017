"""List and watch: the two halves of following objects as they change.

https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

from __future__ import annotations

import contextlib
import json
import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from conformance.kube.discovery import Resource
from conformance.kube.errors import from_status
from conformance.kube.objects import Object, Objects, Selection
from conformance.kube.transport import REQUEST_TIMEOUT, LineStream, Query, Transport


@dataclass(frozen=True)
class Event:
    """One change: ``type`` is ADDED, MODIFIED, DELETED or BOOKMARK."""

    type: str
    object: Object


@dataclass
class Canceller:
    """Ends, from any thread, whatever watch is open on behalf of one wait."""

    cancelled: bool = False
    _stream: LineStream | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def cancel(self) -> None:
        """End the watch now and every later one at once."""
        with self._lock:
            self.cancelled = True
            if self._stream is not None:
                self._stream.shutdown()

    @contextlib.contextmanager
    def holding(self, stream: LineStream) -> Iterator[None]:
        """Make ``stream`` the one to end."""
        with self._lock:
            self._stream = stream
            if self.cancelled:
                stream.shutdown()
        try:
            yield
        finally:
            with self._lock:
                self._stream = None


def list_objects(
    transport: Transport,
    resource: Resource,
    selection: Selection,
    timeout: float = REQUEST_TIMEOUT,
) -> tuple[Objects, str]:
    """Return the objects, each with its apiVersion and kind, and the version to watch from.

    ``resource`` is what the API server serves as the selection's kind.
    """
    path = resource.path(selection.namespace)
    body = transport.request("GET", path, query=_query(selection), timeout=timeout)
    answer = json.loads(body)
    items: Objects = answer["items"] or []
    for item in items:
        item["apiVersion"] = resource.api_version
        item["kind"] = resource.kind
    return items, answer["metadata"]["resourceVersion"]


def watch_objects(
    transport: Transport,
    resource: Resource,
    selection: Selection,
    resource_version: str,
    deadline: float,
    canceller: Canceller | None = None,
) -> Iterator[Event]:
    """Yield changes after ``resource_version`` until ``deadline`` (time.monotonic()) or a cut.

    Raises ``Gone`` where the version is too old (in the answer's status or in the stream: both
    happen), other ``ApiError`` kinds, ``Unreachable``.
    """
    path = resource.path(selection.namespace)
    query = _query(
        selection,
        watch=True,
        allowWatchBookmarks=True,
        resourceVersion=resource_version,
        timeoutSeconds=max(1, math.ceil(deadline - time.monotonic())),
    )
    canceller = canceller or Canceller()
    with (
        transport.stream(path, query, deadline) as stream,
        canceller.holding(stream),
    ):
        for line in stream:
            try:
                change = json.loads(line)
            except ValueError:
                return  # the connection was cut within an event
            if change["type"] == "ERROR":
                status = change["object"]
                raise from_status(f"WATCH {path}", int(status.get("code", 500)), status)
            yield Event(change["type"], change["object"])


def _query(selection: Selection, **more: str | int | bool | None) -> Query:
    return {"labelSelector": selection.labels, "fieldSelector": selection.fields, **more}
