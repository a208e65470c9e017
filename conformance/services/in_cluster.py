"""HTTP services that only the cluster reaches, asked through the Kubernetes API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests

from conformance.common.transcript import record
from conformance.kube.client import Kube
from conformance.kube.port_forward import forward
from conformance.services.ingress import answered


class ServiceRefused(AssertionError):
    """The service answered with an error; ``status`` is HTTP's."""

    def __init__(self, request: str, status: int, text: str) -> None:
        super().__init__(f"{request} was answered with {status}: {text[:500]}")
        self.status = status


@dataclass(frozen=True)
class InClusterService:
    """One port of a Service; each request goes to a pod that is ready at that moment."""

    kube: Kube
    namespace: str
    name: str
    port: int

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,  # noqa: ANN401 - JSON
        form: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **parameters: str | int,
    ) -> Any:  # noqa: ANN401 - JSON
        """Return the JSON that a request is answered with, None where there is none.

        ``timeout`` is in seconds; None is the client's for a request. Raises ``ServiceRefused``.
        """
        if timeout is None:
            timeout = self.kube.timeouts.http
        with self.address() as address:
            url = f"http://{address}{path}"
            answer = requests.request(
                method, url, json=body, data=form, params=parameters, timeout=timeout
            )
        return self._json(answer, f"{method} {self.name}{path}")

    def pages(self, path: str, **parameters: str | int) -> Iterator[Any]:
        """Yield the JSON of each page of a list, as the header Link of each leads to the next.

        Raises ``ServiceRefused``. https://www.rfc-editor.org/rfc/rfc8288
        """
        with self.address() as address:
            url = f"http://{address}{path}"
            while url:
                answer = requests.get(url, params=parameters, timeout=self.kube.timeouts.http)
                yield self._json(answer, f"GET {self.name}{path}")
                link = answer.links.get("next", {}).get("url", "")
                # Whoever made it knows the service by another address.
                url = f"http://{address}{urlsplit(link).path}" if link else ""
                parameters = dict(parse_qsl(urlsplit(link).query))

    def _json(self, answer: requests.Response, request: str) -> Any:  # noqa: ANN401 - JSON
        record(request, answered(answer))
        if not answer.ok:
            raise ServiceRefused(request, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    @contextmanager
    def address(self) -> Iterator[str]:
        """Yield ``host:port`` of this machine that leads to the service."""
        with forward(self.kube, self.namespace, f"svc/{self.name}", self.port) as port:
            yield f"127.0.0.1:{port}"
