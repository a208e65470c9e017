"""The cluster's place on the host's network: a number, a veth pair, a block of 256 addresses.

The number is claimed by binding an abstract Unix socket: the kernel lets one process have it, in
this network namespace, and frees it on any death. Interface, addresses and cgroups follow from it,
whatever state folder a cluster is in. The host's firewall is not touched.
"""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, ip_network
from pathlib import Path

from conformance.common.errors import HarnessError

POOLS = (IPv4Network("10.213.0.0/16"), IPv4Network("198.18.0.0/16"), IPv4Network("172.29.0.0/16"))
"""Tried in this order: a block that anything on the host uses or routes is never taken."""
BLOCK = 24
"""Prefix length of a cluster's addresses."""
NUMBERS = 256
NODE_DEVICE = "eth0"
LAST_RESORT = 4278198272
"""Metric of a route that any other one wins over."""
PREFIX = "ssc-"


@dataclass(frozen=True)
class Link:
    """The veth pair of one cluster."""

    number: int
    subnet: IPv4Network
    """Of the pair: the first four addresses of the block."""

    @property
    def host_device(self) -> str:
        """The host's end."""
        return f"ssc{self.number}h"

    @property
    def cgroup(self) -> str:
        """The group of the cluster's pods."""
        return f"{PREFIX}{self.number}"

    @property
    def gateway(self) -> IPv4Address:
        """The host's address."""
        return self.subnet[1]

    @property
    def address(self) -> IPv4Address:
        """The node's address."""
        return self.subnet[2]

    @property
    def block(self) -> IPv4Network:
        """All of the cluster's addresses."""
        return self.subnet.supernet(new_prefix=BLOCK)

    @property
    def containers(self) -> IPv4Network:
        """Addresses for what is behind the node's end: the block's second half.

        Containers of an engine in the node, or its way out.
        """
        return list(self.block.subnets(prefixlen_diff=1))[1]

    def reserve(self) -> None:
        """Make the block unreachable whenever the pair is not there.

        Without this, what a client still sends to a killed node would take the default route and
        leave the host.
        """
        _ip_batch(f"route replace unreachable {self.block} metric {LAST_RESORT}")

    def create(self, node_pid: int) -> None:
        """Make the pair, its other end in the network namespace of process ``node_pid``."""
        device = self.host_device
        _ip_batch(
            f"link add {device} type veth peer name {NODE_DEVICE} netns {node_pid}",
            f"addr add {self.gateway}/{self.subnet.prefixlen} dev {device}",
            f"link set {device} up",
            f"route add {self.containers} via {self.address} dev {device}",
        )

    def disconnect(self) -> None:
        """Take the pair away; the kernel does so as well, a little after the node's end."""
        if Path("/sys/class/net", self.host_device).exists():
            subprocess.run(
                ["ip", "link", "delete", self.host_device], check=False, capture_output=True
            )

    def remove(self) -> None:
        """Take the pair and the reservation away; safe to call when they are gone."""
        self.disconnect()
        subprocess.run(
            ["ip", "route", "delete", "unreachable", str(self.block)],
            check=False,
            capture_output=True,
        )


def claim() -> tuple[Link, socket.socket]:
    """Return a free link and the socket that holds its number for as long as it is open."""
    used = _used_networks()
    for number in range(NUMBERS):
        if Path(f"/sys/class/net/ssc{number}h").exists():
            continue  # its owner died a moment ago and the kernel is still at it
        subnet = free_subnet(number, used)
        if subnet and (holder := take_number(number)):
            return Link(number, subnet), holder
    pools = ", ".join(map(str, POOLS))
    raise HarnessError(
        f"no free subnet for the cluster: all of {pools} are in use or routed on this host",
        "see `ip route` and `stackspin-conformance cluster list`; remove what is not needed",
    )


def sweep_reservations() -> None:
    """Remove the routes of numbers that nobody holds: a state folder may be gone altogether."""
    answer = subprocess.run(
        ["ip", "-4", "-json", "route", "show", "type", "unreachable"],
        check=True,
        capture_output=True,
    )
    for route in json.loads(answer.stdout or b"[]"):
        block = IPv4Network(route["dst"]) if route.get("metric") == LAST_RESORT else None
        pool = next((pool for pool in POOLS if block and block.subnet_of(pool)), None)
        if block is None or pool is None:
            continue
        number = (int(block.network_address) - int(pool.network_address)) // block.num_addresses
        if holder := take_number(number):
            Link(number, _pair(block)).remove()
            holder.close()


def take_number(number: int) -> socket.socket | None:
    """Bind the number's socket; None while another process has it."""
    holder = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        holder.bind(number_socket(number))
    except OSError:
        holder.close()
        return None
    return holder


def number_socket(number: int) -> str:
    """Return the abstract address that the owner of ``number`` has bound."""
    return f"\0{PREFIX}{number}"


def free_subnet(number: int, used: Iterable[IPv4Network]) -> IPv4Network | None:
    """Return the pair's subnet in ``number``'s block of the first pool that has it free."""
    blocks = [list(pool.subnets(new_prefix=BLOCK))[number] for pool in POOLS]
    used = list(used)
    free = (block for block in blocks if not any(block.overlaps(other) for other in used))
    return next(map(_pair, free), None)


def _pair(block: IPv4Network) -> IPv4Network:
    """Return the veth pair's subnet, the first of its block."""
    return next(block.subnets(new_prefix=30))


def _used_networks() -> list[IPv4Network]:
    """Return what the host's addresses and routes cover, the default route apart."""
    answer = subprocess.run(
        ["ip", "-4", "-json", "route", "show", "table", "all"], check=True, capture_output=True
    )
    routes = [route.get("dst", "default") for route in json.loads(answer.stdout or b"[]")]
    networks = [ip_network(route, strict=False) for route in routes if route != "default"]
    return [net for net in networks if isinstance(net, IPv4Network) and net.prefixlen]


def _ip_batch(*commands: str) -> None:
    answer = subprocess.run(
        ["ip", "-batch", "-"],
        input="\n".join(commands),
        text=True,
        check=False,
        capture_output=True,
    )
    if answer.returncode:
        raise HarnessError(
            f"cannot make the node's network interface: {answer.stderr.strip()}",
            "run as root, where the kernel has veth devices (modprobe veth)",
        )
