"""One connection pool to one API server: requests and line streams, each with a time-out."""

from __future__ import annotations

import contextlib
import contextvars
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlencode

import urllib3
import yaml

from conformance.common.errors import HarnessError
from conformance.common.transcript import current, record
from conformance.kube.errors import ApiError, Unreachable, from_status
from conformance.kube.seen import answered
from conformance.kube.token import from_file, token_file

if TYPE_CHECKING:
    import kubernetes.client

REQUEST_TIMEOUT = 30.0
"""Seconds for one request; the slowest ones (a CRD of 1 MB on a busy node) take 2 s."""
CONNECT_TIMEOUT = 3.0
"""Seconds until a connection counts as failed; a node being restarted drops packets silently."""
_USER_TIMEOUT = [(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 10_000)]
"""Milliseconds for which a request may stay unacknowledged. Not for streams to a command: one that
is slow to read its input leaves data unacknowledged for as long."""
IDEMPOTENT = frozenset({"GET", "PUT", "PATCH", "DELETE"})
_UNUSABLE = (
    yaml.YAMLError,
    OSError,  # ssl.SSLError too
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
)
"""What loading a kubeconfig also raises where its parts are missing, misshapen or unreadable."""
_CUT = (urllib3.exceptions.HTTPError, OSError, ValueError, AttributeError)
"""What urllib3 and ssl raise in a reader whose socket another thread has shut down."""

_DEADLINE: contextvars.ContextVar[float] = contextvars.ContextVar("deadline", default=float("inf"))

Query = Mapping[str, str | int | bool | None]


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """Bound all requests that this thread makes inside, together."""
    token = _DEADLINE.set(min(time.monotonic() + seconds, _DEADLINE.get()))
    try:
        yield
    finally:
        _DEADLINE.reset(token)


class Transport:
    """Thread-safe. ``api_client`` is the kubernetes package's client, for what is not wrapped.

    ``keepalive`` are socket options that probe a silent peer every second: a killed node's network
    vanishes without a FIN or RST. When the node is back with the same address, its kernel answers
    the next probe with RST, so a watch survives a restart with at most a second of delay.

    ``source`` is what errors call the kubeconfig, if that is a copy which the user does not know.
    """

    def __init__(self, kubeconfig: Path, context: str | None = None, source: str = "") -> None:
        # Takes 0.5 s to import, which only those pay who reach a cluster.
        from conformance.kube.kubernetes_package import (  # noqa: PLC0415
            client,
            config,
            tcp_keepalive_socket_options,
            websocket_proxycare,
        )

        self._websocket_proxycare = websocket_proxycare
        self.kubeconfig = kubeconfig
        self._source = source or str(kubeconfig)
        self.keepalive: list[tuple[int, int, int]] = tcp_keepalive_socket_options(1, 1, 10)
        self.configuration = client.Configuration()
        try:
            config.load_kube_config(  # type: ignore[no-untyped-call]
                config_file=str(kubeconfig),
                context=context,
                client_configuration=self.configuration,
                persist_config=False,
                # Keys and certificates become files: where the kubeconfig is, to go with it.
                temp_file_path=str(kubeconfig.parent),
            )
            self.tls = _tls_context(self.configuration)
            if (token := token_file(kubeconfig, context)) is not None:
                self.configuration.refresh_api_key_hook = from_file(token)  # type: ignore[assignment]
        except (config.ConfigException, *_UNUSABLE) as error:
            raise HarnessError(
                f"Kubeconfig {kubeconfig} cannot be used"
                + (f" with context {context}" if context else "")
                + f": {error}",
                "Name an existing kubeconfig and one of its contexts"
                " (kubectl config get-contexts --kubeconfig FILE).",
            ) from error
        self.configuration.connection_pool_maxsize = 32
        self.configuration.socket_options = [*self.keepalive, *_USER_TIMEOUT]
        self.api_client = client.ApiClient(self.configuration)
        self._pool: urllib3.PoolManager = self.api_client.rest_client.pool_manager
        for option in ("cert_reqs", "ca_certs", "ca_cert_data", "cert_file", "key_file"):
            self._pool.connection_pool_kw.pop(option, None)
        self._pool.connection_pool_kw["ssl_context"] = self.tls

    @property
    def server(self) -> str:
        """The API server's URL."""
        return str(self.configuration.host)

    def headers(self) -> dict[str, str]:
        """Return the headers that authenticate a request, refreshed where the kubeconfig says."""
        headers: dict[str, str] = dict(self.api_client.default_headers)
        self.api_client.update_params_for_auth(headers, [], ["BearerToken"], "", "", None)
        return headers

    def websocket_options(self, url: str) -> dict[str, Any]:
        """Return websocket-client's options for the proxy of the kubeconfig, if it has one."""
        options: dict[str, Any] = self._websocket_proxycare(  # type: ignore[no-untyped-call]
            {}, self.configuration, url, {}
        )
        return options

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: object = None,
        content_type: str = "application/json",
        timeout: float = REQUEST_TIMEOUT,
    ) -> bytes:
        """Return the body of the answer. ``timeout`` in seconds covers all attempts.

        A kept-alive connection that turns out to be dead (the server was restarted) is replaced
        once where repeating is harmless; "too many requests" is obeyed as Retry-After says.
        Raises ``ApiError`` or one of its kinds, ``Unreachable``.
        """
        deadline = min(time.monotonic() + timeout, _DEADLINE.get())
        data = None if body is None else json.dumps(body).encode()
        headers = self.headers()
        if data is not None:
            headers["Content-Type"] = content_type
        fresh = method not in IDEMPOTENT
        while True:
            remaining = max(0.05, deadline - time.monotonic())
            try:
                response = self._pool.request(
                    method,
                    self._url(path, query),
                    body=data,
                    headers=headers,
                    retries=False,
                    timeout=urllib3.Timeout(
                        connect=min(CONNECT_TIMEOUT, remaining), read=remaining
                    ),
                )
            except (urllib3.exceptions.ProtocolError, urllib3.exceptions.SSLError) as error:
                if fresh or time.monotonic() >= deadline:
                    raise self.unreachable(error) from error
                fresh = True
                continue
            except (urllib3.exceptions.HTTPError, OSError) as error:
                raise self.unreachable(error) from error
            if current():
                said = answered(response.status, response.data)
                record(_asked(method, path, query), said)
            if response.status < 300:
                return response.data
            pause = _retry_after(response)
            if pause is None or time.monotonic() + pause >= deadline:
                raise _error(method, path, response.status, response.data)
            time.sleep(pause)

    def stream(self, path: str, query: Query | None, deadline: float) -> LineStream:
        """Open a GET whose answer is read line by line until ``deadline`` (time.monotonic())."""
        remaining = max(0.05, deadline - time.monotonic())
        try:
            response = self._pool.request(
                "GET",
                self._url(path, query),
                headers=self.headers(),
                retries=False,
                preload_content=False,
                timeout=urllib3.Timeout(connect=min(CONNECT_TIMEOUT, remaining), read=remaining),
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self.unreachable(error) from error
        record(_asked("GET", path, query), response.status)
        stream = LineStream(response, remaining)
        if response.status >= 300:
            with stream:
                body = b"\n".join(stream)
            raise _error("GET", path, response.status, body)
        return stream

    def close(self) -> None:
        """Close every connection."""
        self._pool.clear()

    def _url(self, path: str, query: Query | None) -> str:
        return f"{self.server}{path}{encode_query(query)}"

    def unreachable(self, error: Exception) -> Unreachable:
        """Return the exception that says which server did not answer, and why."""
        return Unreachable(
            f"The API server {self.server} does not answer: {error}",
            f"Check that the cluster of {self._source} is running and reachable from here.",
        )


class LineStream:
    """The lines of a streaming answer, as they arrive; ends at end of file, deadline or close.

    The watchdog shuts the socket down at the deadline: a read time-out alone would start anew with
    every byte a slow server sends.
    """

    def __init__(self, response: urllib3.BaseHTTPResponse, seconds: float) -> None:
        self._response = response
        connection = getattr(response, "connection", None)
        self._socket: socket.socket | None = getattr(connection, "sock", None)
        self._watchdog = threading.Timer(seconds, self.shutdown)
        self._watchdog.daemon = True
        self._watchdog.start()

    def __enter__(self) -> LineStream:
        return self

    def __exit__(self, *_: object) -> None:
        self._watchdog.cancel()
        self.shutdown()
        with contextlib.suppress(*_CUT):
            self._response.close()

    def __iter__(self) -> Iterator[bytes]:
        pending = b""
        try:
            for chunk in self._response.stream(amt=None, decode_content=True):
                *lines, pending = (pending + chunk).split(b"\n")
                yield from lines
        except _CUT:
            return
        if pending:
            yield pending

    def shutdown(self) -> None:
        """End the stream from any thread."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                # Not SSLSocket.shutdown: that one drops the TLS state under the reader's feet.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


def encode_query(query: Query | None) -> str:
    """Return ``?a=b&c=true``, or nothing; None values are left out, booleans as the API wants."""
    if not query:
        return ""
    pairs = {
        key: str(value).lower() if isinstance(value, bool) else value
        for key, value in query.items()
        if value is not None
    }
    return f"?{urlencode(pairs)}" if pairs else ""


_SAYS_NOTHING = ("allowWatchBookmarks", "fieldManager", "force", "resourceVersion")
"""Parameters that are the same for each request, or that nobody reads."""


def _asked(method: str, path: str, query: Query | None) -> str:
    """Return a request for a transcript, as people write it."""
    parameters = {key: of for key, of in (query or {}).items() if key not in _SAYS_NOTHING}
    return f"{method} {path}{unquote(encode_query(parameters))}"


def _tls_context(configuration: kubernetes.client.Configuration) -> ssl.SSLContext:
    """Read certificates once: urllib3 does it for every connection, 40 ms without a CA file."""
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif configuration.assert_hostname is False:
        context.check_hostname = False
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, configuration.key_file)
    return context


def _retry_after(response: urllib3.BaseHTTPResponse) -> float | None:
    if response.status not in (429, 503):
        return None
    try:
        return float(response.headers.get("Retry-After", ""))
    except ValueError:
        return None


def _error(method: str, path: str, status: int, data: bytes) -> ApiError:
    try:
        body = json.loads(data)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        body = {"message": data.decode(errors="replace").strip()[:500]}
    return from_status(f"{method} {path}", status, body)
