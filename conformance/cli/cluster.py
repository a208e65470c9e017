"""``stackspin-conformance cluster``: clusters that are kept after a run, and looks into them."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from conformance.cli.cluster_options import add_cluster_options
from conformance.clusters.embedded.blueprint import NODE_PATH
from conformance.clusters.embedded.processes import ADMIN
from conformance.clusters.kind.private_engine import SOCKET
from conformance.clusters.ownership import inventory
from conformance.clusters.sandbox.sandbox import enter_command
from conformance.common.arguments import CommandGroup
from conformance.common.errors import HarnessError
from conformance.common.options import add_argument, variable_of
from conformance.common.settings import Settings


def main(arguments: Sequence[str]) -> int:
    """Run the command; return its exit status. Raises HarnessError."""
    group = CommandGroup(
        "stackspin-conformance cluster",
        "Start, list and delete clusters that stay, and work on them.",
    )
    up_parser = group.add(up)
    named = [up_parser, group.add(down), group.add(kubeconfig), group.add(shell)]
    group.add(list_, "list")
    push_parser = group.add(push)
    push_parser.add_argument(
        "names",
        metavar="COMPONENT",
        nargs="*",
        help="images, by their names in components list; by default all that a Stackspin runs",
    )
    add_cluster_options(push_parser)
    for parser in named:
        add_argument(
            parser, Settings, "cluster_name", dest="name", metavar="NAME", default=_name_in_runs()
        )
    add_argument(
        up_parser,
        Settings,
        "cluster",
        dest="provider",
        metavar="PROVIDER",
        default="embedded",
        choices=("auto", "embedded", "kind"),
    )
    add_argument(up_parser, Settings, "docker", metavar="ENGINE")
    up_parser.add_argument(
        "--platform",
        action="store_true",
        help="with all of Stackspin and both reference apps; embedded: from a snapshot, which is "
        "made the first time",
    )
    return group.main(arguments)


def up(name: str, provider: str, docker: str, platform: bool) -> None:
    """Start a cluster and keep it; print the line that makes kubectl use it."""
    # Only this command needs what installs a platform: the others take half a second less.
    from conformance.cli.cluster_up import bring_up  # noqa: PLC0415

    bring_up(name, provider, docker, with_platform=platform)


def push(names: Sequence[str], kubeconfig: Path | None, context: str | None) -> None:
    """Put images into the registry that a cluster advertises, for a platform of yours."""
    from conformance.cli.cluster_push import push_images  # noqa: PLC0415 - as for up

    push_images(names, kubeconfig, context)


def down(name: str) -> None:
    """Delete a kept cluster with everything in it."""
    _sweep()
    inventory.take_down(_state(), name)
    print(f"cluster {name}: gone")


def list_() -> None:
    """List all clusters."""
    _sweep()
    entries = inventory.clusters(_state())
    if not entries:
        print("no clusters")
        return
    row = "{:<20} {:<9} {:<32} {:>8}  {:<15} {:>9}"
    print(row.format("NAME", "PROVIDER", "STATE", "AGE", "NODE", "OWNER PID"))
    for entry in entries:
        first, _, rest = entry.condition.partition("\n")
        record = entry.record
        age = _age(time.time() - record.created)
        address = "its container's" if record.provider == "kind" else str(record.link.address)
        pid = record.owner.pid
        print(row.format(entry.folder.name, record.provider, first, age, address, pid))
        if rest:
            print(rest)


def kubeconfig(name: str) -> None:
    """Print the path of a cluster's kubeconfig."""
    print(inventory.find(_state(), name).folder.kubeconfig)


def shell(name: str) -> None:
    """Open a shell on the node, with its namespaces and disk, kubectl and ctr."""
    entry = inventory.find(_state(), name)
    node = entry.record.node
    in_container = ["exec", "--interactive", "--tty", f"{name}-control-plane", "bash"]
    if outside := entry.record.outside:
        told = {**outside.environment, "TERM": os.environ.get("TERM", "dumb")}
        words = [f"{name}={value}" for name, value in told.items()]
        arguments = ["env", "-i", *words, "docker", *in_container]
    elif node is None or not node.alive:
        raise HarnessError(
            f"the node of cluster {name} is not running{entry.folder.exited()}",
            f"restart it: stackspin-conformance cluster up --cluster-name {name}",
        )
    elif entry.record.provider == "kind":
        client = ["docker", f"--host=unix://{SOCKET}"]
        arguments = [*enter_command(node), *client, *in_container]
    else:
        arguments = [
            *enter_command(node, NODE_PATH),
            *(f"KUBECONFIG={ADMIN}", "CONTAINERD_NAMESPACE=k8s.io"),
            *(f"TERM={os.environ.get('TERM', 'dumb')}", f"PS1={name}-node# ", "sh", "-i"),
        ]
    os.execvp(arguments[0], arguments)  # noqa: S606 - no shell of the host's in between


def _name_in_runs() -> str:
    """Return the name that a run gives its cluster here, if its command line says none."""
    return os.environ.get(variable_of(Settings, "cluster_name")) or Settings.cluster_name


def _state() -> Path:
    return Settings().state_dir


def _sweep() -> None:
    for name in inventory.sweep(Settings().state_dir):
        print(f"removed what was left of cluster {name}, whose owner is gone", file=sys.stderr)


def _age(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f}{unit}"
    return f"{seconds:.0f}s"
