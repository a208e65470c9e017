"""WebSockets with numbered channels, as exec and port-forward speak them.

One thread reads and writes without blocking: a blocking writer dead-locks where a command writes
while it is written to, and two threads on one TLS connection are unsafe before Python 3.13.
https://github.com/kubernetes/enhancements/tree/master/keps/sig-api-machinery/4006-transition-spdy-to-websockets
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
from collections.abc import Iterator, Sequence
from typing import Any, cast
from urllib.parse import urlencode

import websocket

from conformance.kube.errors import from_status
from conformance.kube.transport import Transport

_RECORD = 16384
"""Bytes written at once: the size of a TLS record."""


class _WouldBlock(Exception):
    pass


class ChannelSocket:
    """A connected WebSocket whose messages start with the byte of their channel."""

    def __init__(
        self,
        transport: Transport,
        path: str,
        query: Sequence[tuple[str, str]],
        protocols: Sequence[str],
        timeout: float,
    ) -> None:
        configuration = transport.configuration
        url = "ws" + transport.server.removeprefix("http") + f"{path}?{urlencode(query)}"
        tls: dict[str, Any] = {"context": transport.tls}
        if configuration.tls_server_name:
            tls["server_hostname"] = configuration.tls_server_name
        self._what = f"CONNECT {path}"
        options = transport.websocket_options(url)
        headers = {k: v for k, v in transport.headers().items() if k.lower() == "authorization"}
        try:
            self._websocket = websocket.create_connection(
                url,
                timeout=timeout,
                header=headers,
                subprotocols=list(protocols),
                sslopt=tls,
                sockopt=transport.keepalive,
                **options,
            )
        except websocket.WebSocketBadStatusException as error:
            raise from_status(self._what, error.status_code, _status(error.resp_body)) from error
        except (websocket.WebSocketException, OSError) as error:
            raise transport.unreachable(error) from error
        self.protocol: str = self._websocket.getsubprotocol() or ""
        self.open = True
        self.outgoing = bytearray()
        self._socket = cast(socket.socket, self._websocket.sock)
        self._socket.settimeout(0)
        self._frames = websocket.frame_buffer(self._receive_some, True)

    def __enter__(self) -> ChannelSocket:
        return self

    def __exit__(self, *_: object) -> None:
        self.open = False
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
        self._websocket.shutdown()  # type: ignore[no-untyped-call]

    def fileno(self) -> int:
        """Return the descriptor, for poll."""
        return self._socket.fileno()

    def send(self, channel: int, data: bytes) -> None:
        """Queue a message; ``flush`` sends it."""
        self._queue(bytes((channel,)) + data, websocket.ABNF.OPCODE_BINARY)

    def flush(self) -> None:
        """Write as much of what is queued as the connection takes now."""
        try:
            while self.outgoing and self.open:
                sent = self._socket.send(self.outgoing[:_RECORD])
                del self.outgoing[:sent]
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError, BlockingIOError):
            return
        except OSError:
            self.open = False

    def receive(self) -> Iterator[tuple[int, bytes]]:
        """Yield (channel, data) of every message that is here; never waits."""
        while self.open:
            try:
                frame = self._frames.recv_frame()
            except _WouldBlock:
                return
            except (OSError, websocket.WebSocketException):
                self.open = False
                return
            data = cast(bytes, frame.data)
            if frame.opcode == websocket.ABNF.OPCODE_CLOSE:
                self.open = False
            elif frame.opcode == websocket.ABNF.OPCODE_PING:
                self._queue(data, websocket.ABNF.OPCODE_PONG)
            elif frame.opcode != websocket.ABNF.OPCODE_PONG and data:
                yield data[0], data[1:]

    def _receive_some(self, size: int) -> bytes:
        try:
            data = self._socket.recv(size)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
            raise _WouldBlock from None
        if not data:
            raise websocket.WebSocketConnectionClosedException("end of file")
        return data

    def _queue(self, data: bytes, opcode: int) -> None:
        self.outgoing += websocket.ABNF.create_frame(data, opcode).format()


def _status(body: bytes | str | None) -> dict[str, object]:
    try:
        status = json.loads(body or b"")
    except ValueError:
        status = None
    if isinstance(status, dict):
        return status
    return {"message": (body.decode(errors="replace") if isinstance(body, bytes) else body) or ""}
