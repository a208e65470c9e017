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
from conformance.kube.objects import Object
from conformance.kube.transport import REQUEST_TIMEOUT, LineStream, Query, Transport


@dataclass(frozen=True)
class Event:
    """One change: ``type`` is ADDED, MODIFIED, DELETED or BOOKMARK."""

    type: str
    object: Object


@dataclass(frozen=True)
class Selection:
    """Which objects: all of a collection, or those a name, labels or fields select."""

    resource: Resource
    namespace: str | None = None
    name: str | None = None
    labels: str | None = None
    fields: str | None = None

    @property
    def path(self) -> str:
        """The collection's path."""
        return self.resource.path(self.namespace)

    def query(self, **more: str | int | bool | None) -> Query:
        """Return the selectors as query parameters."""
        by_name = f"metadata.name={self.name}" if self.name is not None else None
        fields = ",".join(part for part in (by_name, self.fields) if part) or None
        return {"labelSelector": self.labels, "fieldSelector": fields, **more}


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
    transport: Transport, selection: Selection, timeout: float = REQUEST_TIMEOUT
) -> tuple[list[Object], str]:
    """Return the objects, each with its apiVersion and kind, and the version to watch from."""
    body = transport.request("GET", selection.path, query=selection.query(), timeout=timeout)
    answer = json.loads(body)
    items: list[Object] = answer["items"] or []
    for item in items:
        item["apiVersion"] = selection.resource.api_version
        item["kind"] = selection.resource.kind
    return items, answer["metadata"]["resourceVersion"]


def watch_objects(
    transport: Transport,
    selection: Selection,
    resource_version: str,
    deadline: float,
    canceller: Canceller | None = None,
) -> Iterator[Event]:
    """Yield changes after ``resource_version`` until ``deadline`` (time.monotonic()) or a cut.

    Raises ``Gone`` where the version is too old (in the answer's status or in the stream: both
    happen), other ``ApiError`` kinds, ``Unreachable``.
    """
    query = selection.query(
        watch=True,
        allowWatchBookmarks=True,
        resourceVersion=resource_version,
        timeoutSeconds=max(1, math.ceil(deadline - time.monotonic())),
    )
    canceller = canceller or Canceller()
    with (
        transport.stream(selection.path, query, deadline) as stream,
        canceller.holding(stream),
    ):
        for line in stream:
            try:
                change = json.loads(line)
            except ValueError:
                return  # the connection was cut within an event
            if change["type"] == "ERROR":
                status = change["object"]
                raise from_status(f"WATCH {selection.path}", int(status.get("code", 500)), status)
            yield Event(change["type"], change["object"])
