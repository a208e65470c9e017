"""Which path serves which kind: one request per group version, asked again on a miss."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from urllib.parse import quote

from conformance.kube.errors import NotFound, UnknownKind
from conformance.kube.transport import Transport


@dataclass(frozen=True)
class Resource:
    """A kind as the API server serves it."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool
    verbs: frozenset[str]

    def path(self, namespace: str | None = None, name: str | None = None) -> str:
        """Return the path of the collection (in all namespaces if None) or of one object.

        Raises ``ValueError`` for an object of a namespaced kind without a namespace.
        """
        base = group_path(self.api_version)
        if self.namespaced:
            if namespace is not None:
                base += f"/namespaces/{quote(namespace, safe='')}"
            elif name is not None:
                raise ValueError(f"{self.kind} {name} needs a namespace")
        base += f"/{self.plural}"
        return base if name is None else f"{base}/{quote(name, safe='')}"


class Discovery:
    """A cache that later CRDs get into: a miss asks the server once more. Thread-safe."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._known: dict[tuple[str, str], Resource] = {}
        self._lock = threading.Lock()

    def find(self, api_version: str, kind: str) -> Resource:
        """Return how ``kind`` is served. Raises ``UnknownKind``."""
        with self._lock:
            known = self._known.get((api_version, kind))
        if known is None:
            found = {(item.api_version, item.kind): item for item in self.served(api_version)}
            with self._lock:
                self._known.update(found)
            known = found.get((api_version, kind))
        if known is None:
            raise UnknownKind(api_version, kind)
        return known

    def served(self, api_version: str) -> list[Resource]:
        """Return the kinds of a group version, without subresources; empty if it is not served."""
        try:
            answer = json.loads(self._transport.request("GET", group_path(api_version)))
        except NotFound:
            return []
        return [
            Resource(
                api_version=api_version,
                kind=item["kind"],
                plural=item["name"],
                namespaced=item["namespaced"],
                verbs=frozenset(item.get("verbs", ())),
            )
            for item in answer.get("resources", ())
            if "/" not in item["name"]
        ]

    def group_versions(self) -> list[str]:
        """Return the preferred version of every group, the core group's ``v1`` first."""
        groups = json.loads(self._transport.request("GET", "/apis"))["groups"]
        return ["v1", *(group["preferredVersion"]["groupVersion"] for group in groups)]


def group_path(api_version: str) -> str:
    """Return the path below which a group version is served."""
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
