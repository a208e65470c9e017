"""The Kubernetes API as the checks use it: plain dicts in, plain dicts out."""

from __future__ import annotations

import json
import string
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import yaml

from conformance.kube.apply import in_order, wait_established
from conformance.kube.discovery import Discovery
from conformance.kube.errors import ApiError, NotFound
from conformance.kube.execution import ExecResult, execute
from conformance.kube.objects import Object, Objects
from conformance.kube.port_forward import forward
from conformance.kube.redaction import Redactor
from conformance.kube.transport import Transport
from conformance.kube.watching import Event, Selection, list_objects, watch_objects
from conformance.settings import Timeouts

FIELD_MANAGER = "stackspin-conformance"
_NEWLY_SERVED = 10.0
"""Seconds in which a kind whose CRD is Established must be served; measured below 0.1."""


class Kube:
    """One cluster, reached with one kubeconfig. Thread-safe; connects on first use.

    ``redactor`` hides secrets in everything this package writes for people: the texts of
    time-outs and the diagnostics.
    """

    def __init__(
        self, kubeconfig: Path, context: str | None = None, redactor: Redactor | None = None
    ) -> None:
        self.transport = Transport(kubeconfig, context)
        self.api_client = self.transport.api_client
        self.discovery = Discovery(self.transport)
        self.redactor = redactor or Redactor()

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
        resource = self.discovery.find(api_version, kind)
        selection = Selection(resource, namespace, labels=labels, fields=fields)
        return list_objects(self.transport, selection)[0]

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
        """Yield changes for at most ``timeout`` seconds. To wait, use ``wait_for``."""
        resource = self.discovery.find(api_version, kind)
        selection = Selection(resource, namespace, labels=labels, fields=fields)
        deadline = time.monotonic() + timeout
        return watch_objects(self.transport, selection, resource_version, deadline)

    def create(self, manifest: Mapping[str, Any], namespace: str | None = None) -> Object:
        """Create an object; a ``generateName`` is honoured. Raises ``Conflict``, ``Invalid``."""
        namespace = manifest["metadata"].get("namespace", namespace)
        resource = self.discovery.find(manifest["apiVersion"], manifest["kind"])
        query = {"fieldManager": FIELD_MANAGER}
        path = resource.path(namespace)
        return _object(self.transport.request("POST", path, query=query, body=manifest))

    def apply(
        self, *manifests: Mapping[str, Any], force: bool = True, namespace: str | None = None
    ) -> Objects:
        """Apply on the server side, Namespaces and CRDs first, and return what came of each.

        ``namespace`` is for manifests of namespaced kinds that name none. Custom resources follow
        once the CRDs of the same call are Established. Raises ``Conflict`` (only without
        ``force``), ``Invalid`` with the API's explanation, ``UnknownKind``.
        https://kubernetes.io/docs/reference/using-api/server-side-apply/
        """
        ordered = in_order(manifests)
        results = [self._apply(item, force, namespace) for item in ordered.first]
        new_kinds = wait_established(self, ordered.first)
        for item in ordered.rest:
            deadline = time.monotonic() + _NEWLY_SERVED
            while True:
                try:
                    results.append(self._apply(item, force, namespace))
                    break
                except ApiError as error:
                    kind = (item["apiVersion"], item["kind"])
                    served_late = kind in new_kinds and error.status in (404, 500, 503)
                    if not served_late or time.monotonic() > deadline:
                        raise
                    time.sleep(0.05)  # Established precedes serving; nothing tells when
        return results

    def apply_file(self, path: Path, **variables: str) -> Objects:
        """Apply the YAML documents of a file.

        With variables, ``$name`` and ``${name}`` are replaced first (``$$`` is a dollar sign); the
        variable ``namespace`` is also the namespace of manifests that name none. Raises
        ``KeyError`` for a placeholder without a variable.
        """
        text = path.read_text(encoding="utf-8")
        if variables:
            text = string.Template(text).substitute(variables)
        manifests = [item for item in yaml.safe_load_all(text) if item]
        return self.apply(*manifests, namespace=variables.get("namespace"))

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
    ) -> Object:
        """Patch one object (or a subresource such as ``status``, ``scale``) and return it."""
        path = self.discovery.find(api_version, kind).path(namespace, name)
        if subresource is not None:
            path += f"/{subresource}"
        query = {"fieldManager": FIELD_MANAGER}
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

    def exec(
        self,
        namespace: str,
        pod: str,
        argv: Sequence[str],
        *,
        container: str | None = None,
        stdin: bytes | None = None,
        timeout: float = Timeouts.command,
        until: bytes | None = None,
    ) -> ExecResult:
        """Run a command in a container, to its end or until its output has the bytes ``until``.

        ``timeout`` in seconds. See ``execution.execute``.
        """
        path = self.discovery.find("v1", "Pod").path(namespace, pod) + "/exec"
        return execute(
            self.transport,
            path,
            argv,
            container=container,
            stdin=stdin,
            timeout=timeout,
            until=until,
        )

    def port_forward(
        self, namespace: str, pod_or_service: str, port: int
    ) -> AbstractContextManager[int]:
        """Yield a port of 127.0.0.1 that leads to ``port``. See ``port_forward.forward``."""
        return forward(self, namespace, pod_or_service, port)

    def close(self) -> None:
        """Close every connection."""
        self.transport.close()

    def _apply(self, manifest: Mapping[str, Any], force: bool, namespace: str | None) -> Object:
        metadata = manifest["metadata"]
        resource = self.discovery.find(manifest["apiVersion"], manifest["kind"])
        return _object(
            self.transport.request(
                "PATCH",
                resource.path(metadata.get("namespace", namespace), metadata["name"]),
                query={"fieldManager": FIELD_MANAGER, "force": force},
                body=manifest,
                content_type="application/apply-patch+yaml",
            )
        )


def _object(body: bytes) -> Object:
    answer: Object = json.loads(body)
    return answer
