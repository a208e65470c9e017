"""A browser's view of the platform: real host names, real TLS, without touching /etc/hosts."""

from __future__ import annotations

import hashlib
import itertools
import socket
import ssl
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from urllib.parse import SplitResult, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.poolmanager import PoolManager

from conformance.common.timeouts import Timeouts
from conformance.common.transcript import record, without_values
from conformance.services.answer_body import AnswerBody
from conformance.services.tls import presented, spoken


def answered(answer: requests.Response) -> str:
    """Return an answer for a transcript: its status, and where it leads or what it is."""
    location = answer.headers.get("Location")
    what = without_values(location) if location else answer.headers.get("Content-Type", "")
    size = answer.headers.get("Content-Length")
    return f"{answer.status_code} {what}".rstrip() + (f", {size} bytes" if size else "")


NOBODY_THERE = (502, 503, 504)
"""What the ingress answers while none of the pods behind a route is Ready."""
UNROUTED = (404, *NOBODY_THERE)
"""What the ingress answers between the API accepting an Ingress and its own reload of it."""

_AT_LEAST = 1.0
"""Seconds for which a route is asked for again, however short its time-out is."""


class HttpClient(requests.Session):
    """A requests session that resolves the platform's names to the ingress at ``address``.

    Host header and TLS server name stay the real name, and the certificate is verified against
    the harness's CA for that name. Names outside ``domain`` are refused with ``ValueError``: a
    check that leaves the platform tests something else. ``timeouts.http`` holds for every
    request that gives none, ``timeouts.transfer`` for the body of its answer.
    """

    def __init__(
        self, domain: str, address: str, ca_certificate: bytes, *, timeouts: Timeouts | None = None
    ) -> None:
        super().__init__()
        self._timeouts = timeouts or Timeouts()
        self._platform = PlatformAdapter(domain, address, ca_certificate, self._timeouts)
        self._mount(self._platform)

    def get_routed(
        self,
        url: str,
        *,
        auth: tuple[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        within: float | None = None,
        redirects: bool = True,
    ) -> requests.Response:
        """GET, asked again for some seconds while the ingress has no route or backend yet.

        For the first request after an Ingress was made or its pods became Ready: the API has no
        event for the moment at which the ingress controller has loaded it. After about ``within``
        seconds the answer is returned as it is. Redirects are followed, unless the answer wanted
        is one.
        """
        return self._get_while(UNROUTED, url, auth, headers, within, redirects)

    def get_unrouted(self, url: str) -> requests.Response:
        """GET, asked again for some seconds while the app still answers with 200.

        For the first request after an app was lost, whatever the ingress makes of that.
        """
        return self._get_while((requests.codes.ok,), url)

    def get_until(self, url: str, status: int) -> requests.Response:
        """GET, asked again for some seconds while the answer has another status than ``status``.

        For the first request after a change of which the ingress takes several notes: of an app
        that was uninstalled it loses the backend first (503) and the route then (404). After about
        ``timeouts.routing`` seconds the answer is returned as it is. Redirects are followed.
        """
        others = {*range(200, 300), *range(400, 600)} - {status}
        return self._get_while(others, url)

    def tls_versions(self, url: str) -> list[ssl.TLSVersion]:
        """Return the versions of TLS that are spoken at the host of ``url``, the oldest first.

        Raises ``tls.CannotSpeak``, and ``OSError`` where nothing accepts connections.
        """
        host = urlsplit(url).hostname or ""
        versions = spoken(lambda: self._platform.connect(url), host)
        record(f"TLS handshakes with {host}", ", ".join(one.name for one in versions) or "refused")
        return versions

    def certificate(self, url: str) -> bytes:
        """Return the certificate, DER, that new connections to the host of ``url`` get.

        Raises ``OSError`` where nothing accepts connections or the certificate is not trusted.
        """
        host = urlsplit(url).hostname or ""
        found = presented(self._platform.connect(url), host, self._platform.trust)
        record(f"certificate of {host}", f"SHA-256 {hashlib.sha256(found).hexdigest()}")
        return found

    def _get_while(
        self,
        statuses: Collection[int],
        url: str,
        auth: tuple[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        within: float | None = None,
        redirects: bool = True,
    ) -> requests.Response:
        end = time.monotonic() + _AT_LEAST + (self._timeouts.routing if within is None else within)
        pauses = itertools.chain((0.0, 0.05, 0.1, 0.2, 0.4), itertools.repeat(1.0))
        with requests.Session() as session:
            HttpClient._mount(session, self._platform)
            while True:
                time.sleep(next(pauses))
                is_last = time.monotonic() >= end
                with suppress(*(() if is_last else (requests.ConnectionError, requests.Timeout))):
                    answer = session.get(
                        url, auth=auth, headers=dict(headers or {}), allow_redirects=redirects
                    )
                    if is_last or answer.status_code not in statuses:
                        return answer

    def _mount(self: requests.Session, adapter: HTTPAdapter) -> None:
        self.trust_env = False
        self.adapters.clear()
        self.mount("https://", adapter)
        self.mount("http://", adapter)


class PlatformAdapter(HTTPAdapter):
    """Connects to one address, whatever the host name; checks the certificate by the name."""

    def __init__(
        self, domain: str, address: str, ca_certificate: bytes, timeouts: Timeouts
    ) -> None:
        self._domain = domain
        self._address = address
        self._timeouts = timeouts
        self.trust = ssl.create_default_context(cadata=ca_certificate.decode())
        self._pools: dict[str, PoolManager] = {}
        super().__init__()

    def send(  # type: ignore[override]  # the parameters this adapter decides itself are not named
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | None = None,
        **decided_here: object,
    ) -> requests.Response:
        """Send a request with the Host header of its URL."""
        del decided_here
        request.headers["Host"] = urlsplit(request.url or "").netloc
        answer = super().send(request, stream=stream, timeout=timeout or self._timeouts.http)
        answer.raw = AnswerBody(answer.raw, None if stream else self._timeouts.transfer)
        record(f"{request.method} {without_values(str(request.url))}", answered(answer))
        return answer

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, *_decided_here: object, **_too: object
    ) -> HTTPConnectionPool:
        """Return the pool for the request's name, whose connections go to the ingress."""
        url = urlsplit(str(request.url or ""))
        host, secure = self._host(url), url.scheme == "https"
        tls = {"server_hostname": host, "assert_hostname": host} if secure else {}
        if host not in self._pools:
            self._pools[host] = PoolManager(maxsize=4)
        return self._pools[host].connection_from_host(
            self._address,
            url.port or (443 if secure else 80),
            scheme=url.scheme,
            pool_kwargs={**tls, "ssl_context": self.trust} if secure else None,
        )

    def connect(self, url: str) -> socket.socket:
        """Return a connection to where ``url`` is answered, before any TLS. Raises ``OSError``."""
        parts = urlsplit(url)
        self._host(parts)
        address = (self._address, parts.port or 443)
        return socket.create_connection(address, self._timeouts.http)

    def _host(self, url: SplitResult) -> str:
        domain, host = self._domain, url.hostname or ""
        if host != domain and not host.endswith(f".{domain}"):
            raise ValueError(f"{host} is not a name of the platform ({domain})")
        return host

    def cert_verify(self, *_: object) -> None:
        """Nothing to add: the pool has its trust already."""

    def close(self) -> None:
        """Close every connection."""
        for pool in self._pools.values():
            pool.clear()
        super().close()
