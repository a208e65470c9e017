"""The process that owns a kept cluster: it does nothing but hold what the owner holds.

It inherits the folder's lock and the cluster's number. The node's channel comes first from the
run that started it, and after each restart of the node over the number's socket.
"""

from __future__ import annotations

import os
import socket
import struct
import sys


def main() -> None:
    """Take channels as they come, the latest replacing the one before; end when killed."""
    listener, starter = (socket.socket(fileno=int(number)) for number in sys.argv[1:3])
    channel = take_channel(starter)
    while channel is not None:  # else the run was killed before it had told anybody of us
        connection, _ = listener.accept()
        if (newer := take_channel(connection)) is not None:
            os.close(channel)
            channel = newer


def take_channel(connection: socket.socket) -> int | None:
    """Return the descriptor that comes through, if it comes from our own user."""
    with connection:
        # An abstract socket has no file permissions: ask the kernel who is calling.
        credentials = connection.getsockopt(
            socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")
        )
        if struct.unpack("3i", credentials)[1] != os.geteuid():
            return None
        _, received, _, _ = socket.recv_fds(connection, 1, 1)
        if not received:
            return None
        connection.send(b"k")
        return received[0]
