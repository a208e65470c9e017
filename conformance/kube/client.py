"""The Kubernetes API as the checks use it: plain dicts in, plain dicts out."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from conformance.common.redaction import Redactor
from conformance.common.timeouts import Timeouts
from conformance.kube.discovery import Discovery
from conformance.kube.errors import NotFound
from conformance.kube.objects import Object, Objects, Selection
from conformance.kube.transport import Transport
from conformance.kube.watching import Event, list_objects, watch_objects

FIELD_MANAGER = "stackspin-conformance"


class Kube:
    """One cluster, reached with one kubeconfig. Thread-safe; connects on first use.

    ``redactor`` hides secrets in everything this package writes for users: the texts of
    time-outs and the diagnostics. ``timeouts`` bound whatever waits with this client and is given
    no time-out of its own. ``source`` is what errors call the kubeconfig, if not by its path.
    """

    def __init__(
        self,
        kubeconfig: Path,
        context: str | None = None,
        redactor: Redactor | None = None,
        timeouts: Timeouts | None = None,
        *,
        source: str = "",
    ) -> None:
        self.transport = Transport(kubeconfig, context, source)
        self.api_client = self.transport.api_client
        self.discovery = Discovery(self.transport)
        self.redactor = redactor or Redactor()
        self.timeouts = timeouts or Timeouts()

    def version(self) -> str:
        """Return the server's version, such as ``v1.36.3``. Raises ``Unreachable``."""
        return str(json.loads(self.transport.request("GET", "/version"))["gitVersion"])

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Object:
        """Return one object. Raises ``NotFound``, ``UnknownKind``."""
        path = self.discovery.find(api_version, kind).path(namespace, name)
        return _object(self.transport.request("GET", path))

    def find(
        self, api_version: str, kind: str, name: str, namespace: str | None = None
    ) -> Object | None:
        """Return one object, or None if there is none (or no such kind)."""
        try:
            return self.get(api_version, kind, name, namespace)
        except NotFound:
            return None

    def list(
        self,
        api_version: str,
        kind: str,
        namespace: str | None = None,
        labels: str | None = None,
        fields: str | None = None,
    ) -> Objects:
        """Return the objects of a namespace (None: of all) that both selectors select."""
        selection = Selection(api_version, kind, namespace, labels, fields)
        resource = self.discovery.find(api_version, kind)
        return list_objects(self.transport, resource, selection)[0]

    def watch(
        self,
        api_version: str,
        kind: str,
        namespace: str | None = None,
        *,
        resource_version: str,
        timeout: float,
        labels: str | None = None,
        fields: str | None = None,
    ) -> Iterator[Event]:
        """Yield changes for at most ``timeout`` seconds. To wait, use ``kube.wait``."""
        selection = Selection(api_version, kind, namespace, labels, fields)
        resource = self.discovery.find(api_version, kind)
        deadline = time.monotonic() + timeout
        return watch_objects(self.transport, resource, selection, resource_version, deadline)

    def create(self, manifest: Mapping[str, Any], namespace: str | None = None) -> Object:
        """Create an object; a ``generateName`` is honoured. Raises ``Conflict``, ``Invalid``."""
        namespace = manifest["metadata"].get("namespace", namespace)
        resource = self.discovery.find(manifest["apiVersion"], manifest["kind"])
        query = {"fieldManager": FIELD_MANAGER}
        path = resource.path(namespace)
        return _object(self.transport.request("POST", path, query=query, body=manifest))

    def patch(
        self,
        api_version: str,
        kind: str,
        name: str,
        namespace: str | None,
        body: object,
        content_type: str = "application/merge-patch+json",
        *,
        subresource: str | None = None,
        force: bool | None = None,
    ) -> Object:
        """Patch one object (or a subresource such as ``status``, ``scale``) and return it.

        ``force`` is for a server-side apply: take fields over that another manager owns.
        """
        path = self.discovery.find(api_version, kind).path(namespace, name)
        if subresource is not None:
            path += f"/{subresource}"
        query = {"fieldManager": FIELD_MANAGER, "force": force}
        return _object(
            self.transport.request("PATCH", path, query=query, body=body, content_type=content_type)
        )

    def delete(
        self,
        api_version: str,
        kind: str,
        name: str,
        namespace: str | None = None,
        *,
        propagation: str = "Background",
        grace_seconds: int | None = None,
    ) -> bool:
        """Ask for deletion; False if there was nothing to delete. Does not wait."""
        body: dict[str, Any] = {"propagationPolicy": propagation}
        if grace_seconds is not None:
            body["gracePeriodSeconds"] = grace_seconds
        try:
            path = self.discovery.find(api_version, kind).path(namespace, name)
            self.transport.request("DELETE", path, body=body)
        except NotFound:
            return False
        return True

    def logs(
        self,
        namespace: str,
        pod: str,
        container: str | None = None,
        tail: int | None = None,
        previous: bool = False,
    ) -> str:
        """Return a container's log (its last ``tail`` lines), or of its previous run, as it is now.

        Of what has just happened it may not tell yet: ``logs.wait_for_line`` waits for that.
        """
        path = self.discovery.find("v1", "Pod").path(namespace, pod) + "/log"
        query = {"container": container, "tailLines": tail, "previous": previous}
        return self.transport.request("GET", path, query=query).decode(errors="replace")

    def close(self) -> None:
        """Close every connection."""
        self.transport.close()


def _object(body: bytes) -> Object:
    answer: Object = json.loads(body)
    return answer
