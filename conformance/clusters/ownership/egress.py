"""A node's way out: slirp4netns, a network stack that is a process of the host.

What the node sends becomes connections of that process. So the host forwards nothing, and no rule
of its firewall is needed. The process ends with the node, whatever way that ends: it holds one end
of a pipe whose other end the node's PID 1 has.
https://github.com/rootless-containers/slirp4netns/blob/master/slirp4netns.1.md
"""

from __future__ import annotations

import os
import select
import subprocess
from ipaddress import IPv4Network
from pathlib import Path

from conformance.clusters.sandbox.log_tail import log_tail
from conformance.common.errors import HarnessError

PACKAGES = {"slirp4netns": "slirp4netns"}
"""Debian package, and the command that shows it is there."""
DEVICE = "egress0"
_GATEWAY, _NAME_SERVER, _NODE = 2, 3, 100
"""Which addresses of its network slirp4netns gives to whom."""
_READY_SECONDS = 10.0
"""Measured 0.01."""


def name_server(network: IPv4Network) -> str:
    """Return the address at which the host's own name server answers in the node."""
    return str(network[_NAME_SERVER])


def give_way_out(node_pid: int, ended: int, network: IPv4Network, log: Path) -> dict[str, str]:
    """Start what is behind the node's device; return what the node's PID 1 is to set up.

    ``ended`` is the end of a pipe that is closed at its other end when the node has ended.
    ``network`` is nobody's on the host, at least 128 addresses. Loopback addresses of the host are
    not reached. Raises HarnessError.
    """
    ready, theirs = os.pipe()
    try:
        with log.open("ab") as output:
            subprocess.Popen(
                [
                    "slirp4netns",
                    f"--cidr={network}",
                    "--disable-host-loopback",
                    f"--ready-fd={theirs}",
                    f"--exit-fd={ended}",
                    str(node_pid),
                    DEVICE,
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=[theirs, ended],
                start_new_session=True,  # Ctrl-C is for the owner, with whose node it ends
                cwd="/",
            )
        os.close(theirs)
        theirs = -1
        readable, _, _ = select.select([ready], [], [], _READY_SECONDS)
        if not readable or not os.read(ready, 1):
            raise HarnessError(
                f"the node got no way out; the end of {log}:\n{log_tail(log)}",
                "leave --egress out, or give --source=NAME=FOLDER for what it was needed for",
            )
    finally:
        os.close(ready)
        if theirs >= 0:
            os.close(theirs)
    return {
        "device": DEVICE,
        "address": f"{network[_NODE]}/{network.prefixlen}",
        "gateway": str(network[_GATEWAY]),
    }
