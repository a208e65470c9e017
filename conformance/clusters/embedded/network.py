"""The cluster's place on the host's network: a number, a veth pair, a subnet of four addresses.

The number is claimed by binding an abstract Unix socket: the kernel lets one process have it, in
this network namespace, and frees it on any death. Interface, subnet and cgroups follow from it,
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

from conformance.errors import HarnessError

POOLS = (IPv4Network("10.213.0.0/16"), IPv4Network("198.18.0.0/16"), IPv4Network("172.29.0.0/16"))
"""Tried in this order: a subnet that anything on the host uses or routes is never taken."""
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

    def reserve(self) -> None:
        """Make the subnet unreachable whenever the pair is not there.

        Without this, what a client still sends to a killed node would take the default route and
        leave the host.
        """
        _ip_batch(f"route replace unreachable {self.subnet} metric {LAST_RESORT}")

    def create(self, node_pid: int) -> None:
        """Make the pair, its other end in the network namespace of process ``node_pid``."""
        device = self.host_device
        _ip_batch(
            f"link add {device} type veth peer name {NODE_DEVICE} netns {node_pid}",
            f"addr add {self.gateway}/{self.subnet.prefixlen} dev {device}",
            f"link set {device} up",
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
            ["ip", "route", "delete", "unreachable", str(self.subnet)],
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
        subnet = IPv4Network(route["dst"]) if route.get("metric") == LAST_RESORT else None
        pool = next((pool for pool in POOLS if subnet and subnet.subnet_of(pool)), None)
        if subnet is None or pool is None:
            continue
        number = (int(subnet.network_address) - int(pool.network_address)) // 256
        if holder := take_number(number):
            Link(number, subnet).remove()
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
    """Return the subnet that goes with ``number``, in the first pool where it is not ``used``."""
    subnets = [IPv4Network((int(pool.network_address) + number * 256, 30)) for pool in POOLS]
    used = list(used)
    return next((net for net in subnets if not any(net.overlaps(other) for other in used)), None)


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
