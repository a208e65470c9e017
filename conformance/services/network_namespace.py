"""Runs a browser in a network of its own, from which one Unix socket leads to the platform.

A program of its own, started in a new network namespace: what happens to the host's interfaces (a
second cluster that comes and goes) would otherwise abort what the browser is loading, and what is
not the platform cannot be reached. ``network_namespace.py SOCKET PROGRAM ARGUMENT...``
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable

PORT = 443


def relay(listener: socket.socket, connect: Callable[[], socket.socket]) -> None:
    """Join each connection to ``listener`` with one that ``connect`` makes, until it is closed."""
    with contextlib.suppress(OSError):
        while True:
            near, _ = listener.accept()
            threading.Thread(target=_join, args=(near, connect), daemon=True).start()


def _join(near: socket.socket, connect: Callable[[], socket.socket]) -> None:
    with near, contextlib.suppress(OSError), connect() as far:
        back = threading.Thread(target=_copy, args=(far, near), daemon=True)
        back.start()
        _copy(near, far)
        back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Copy until one of the two ends, and tell the other."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def main() -> None:
    """Bring up the loopback interface, relay its port 443 to the socket, become the browser."""
    path, *command = sys.argv[1:]
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    listener = socket.create_server(("127.0.0.1", PORT))

    def platform() -> socket.socket:
        far = socket.socket(socket.AF_UNIX)
        far.connect(path)
        return far

    if os.fork() == 0:
        relay(listener, platform)
    os.execvp(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
