"""A local port that leads to a pod's port through the API server."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Iterator

from conformance.common.errors import HarnessError
from conformance.kube.client import Kube
from conformance.kube.errors import ApiError
from conformance.kube.websockets import ChannelSocket

_PROTOCOL = "v4.channel.k8s.io"
_DATA, _ERROR = 0, 1
_HIGH_WATER = 1 << 18
"""Bytes queued towards the pod before reading from the local client pauses."""


@contextlib.contextmanager
def forward(kube: Kube, namespace: str, pod_or_service: str, port: int) -> Iterator[int]:
    """Yield a port of 127.0.0.1; each connection to it is one WebSocket to the pod.

    ``pod_or_service`` is a pod's name, ``svc/NAME`` or a Service's name (a pod of that name
    wins); of a Service, ``port`` is the Service's port and the pod a ready one of its endpoints at
    the time of the call. Raises ``NotFound``, ``HarnessError`` where the Service has no ready pod.
    What the body raises gets a note that says why a connection did not reach the pod.
    """
    pod, target = _resolve(kube, namespace, pod_or_service, port)
    path = kube.discovery.find("v1", "Pod").path(namespace, pod) + "/portforward"
    listener = socket.create_server(("127.0.0.1", 0))
    wake, waker = socket.socketpair()
    threads: list[tuple[threading.Thread, socket.socket]] = []
    failures: list[Exception] = []

    def serve(connection: socket.socket) -> None:
        query = [("ports", str(target))]
        with connection:
            try:
                with ChannelSocket(
                    kube.transport, path, query, (_PROTOCOL,), kube.timeouts.http
                ) as channels:
                    _bridge(connection, channels, wake)
            except (ApiError, HarnessError) as error:
                failures.append(error)

    def accept() -> None:
        while True:
            readable, _, _ = select.select([listener, wake], [], [])
            if wake in readable:
                return
            connection, _ = listener.accept()
            thread = threading.Thread(target=serve, args=(connection,), daemon=True)
            threads.append((thread, connection))
            thread.start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield int(listener.getsockname()[1])
    except Exception as error:
        for failure in failures[-1:]:
            error.add_note(f"Port {target} of pod {pod} in {namespace} was not reached: {failure}")
        raise
    finally:
        waker.close()  # end of file on the other end wakes every thread
        acceptor.join()
        for thread, connection in threads:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)  # one that does not read holds its thread up
            thread.join()
        listener.close()
        wake.close()


def _bridge(connection: socket.socket, channels: ChannelSocket, wake: socket.socket) -> None:
    """Copy both ways until either side ends or ``wake`` becomes readable.

    The protocol cannot close one direction: a client that ends its sending gets no more answer.
    """
    greeted: set[int] = set()
    reading = True
    while channels.open and (reading or channels.outgoing):
        poll = select.poll()
        poll.register(wake, select.POLLIN)
        poll.register(channels, select.POLLIN | (select.POLLOUT if channels.outgoing else 0))
        if reading and len(channels.outgoing) < _HIGH_WATER:
            poll.register(connection, select.POLLIN)
        ready = {descriptor for descriptor, _ in poll.poll()}
        if wake.fileno() in ready:
            return
        if connection.fileno() in ready:
            try:
                data = connection.recv(32768)
            except OSError:
                return
            reading = bool(data)
            if data:
                channels.send(_DATA, data)
        channels.flush()
        for channel, data in channels.receive():
            if channel not in greeted:
                greeted.add(channel)  # the first message of a channel repeats the port number
            elif channel == _ERROR:
                raise HarnessError(data.decode(errors="replace"))
            else:
                try:
                    connection.sendall(data)
                except OSError:
                    return


def _resolve(kube: Kube, namespace: str, name: str, port: int) -> tuple[str, int]:
    if not name.startswith(("svc/", "service/")) and kube.find("v1", "Pod", name, namespace):
        return name, port
    name = name.rpartition("/")[2]
    service = kube.get("v1", "Service", name, namespace)
    names = {item["port"]: item.get("name", "") for item in service["spec"]["ports"]}
    if port not in names:
        raise HarnessError(f"Service {name} has no port {port}, only {sorted(names)}")
    slices = kube.list(
        "discovery.k8s.io/v1",
        "EndpointSlice",
        namespace,
        labels=f"kubernetes.io/service-name={name}",
    )
    for item in slices:
        for target in item.get("ports") or ():
            if (target.get("name") or "") != names[port]:
                continue
            for endpoint in item.get("endpoints") or ():
                reference = endpoint.get("targetRef") or {}
                if endpoint["conditions"].get("ready") and reference.get("kind") == "Pod":
                    return reference["name"], target["port"]
    raise HarnessError(
        f"Service {name} in {namespace} has no ready pod for its port {port}",
        "Wait for the pods behind it first.",
    )
