"""The process that owns a kept cluster: it does nothing but hold what the owner holds.

It inherits the folder's lock and the cluster's number, and is given the node's channel over the
number's socket, once at the beginning and again after each restart of the node.
"""

from __future__ import annotations

import os
import socket
import struct
import sys


def main() -> None:
    """Take channels as they come, the latest replacing the one before; end when killed."""
    listener = socket.socket(fileno=int(sys.argv[1]))
    channel = -1
    while True:
        connection, _ = listener.accept()
        with connection:
            # An abstract socket has no file permissions: ask the kernel who is calling.
            credentials = connection.getsockopt(
                socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")
            )
            if struct.unpack("3i", credentials)[1] != os.geteuid():
                continue
            _, received, _, _ = socket.recv_fds(connection, 1, 1)
            if received:
                if channel >= 0:
                    os.close(channel)
                channel = received[0]
                connection.send(b"k")
