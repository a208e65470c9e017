"""``stackspin-conformance cluster``: clusters that outlive a run, and looks into them."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from conformance.clusters.embedded import inventory
from conformance.clusters.embedded.processes import ADMIN
from conformance.clusters.private_engine import SOCKET
from conformance.errors import HarnessError
from conformance.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Clusters that outlive a run.")

Name = Annotated[str, typer.Option("--cluster-name", help="The cluster's name.")]
Provider = Annotated[str, typer.Option("--cluster", help="Its provider: auto, embedded, kind.")]
Docker = Annotated[str, typer.Option("--docker", help="For kind: running, or start one.")]
_DEFAULT = Settings.cluster_name


@app.command()
def up(
    name: Name = _DEFAULT, provider: Provider = "embedded", docker: Docker = Settings.docker
) -> None:
    """Bring a cluster up and keep it; print the line that points kubectl at it."""
    from conformance.clusters.select import make_cluster  # noqa: PLC0415 - slow
    from conformance.components.builder import Components  # noqa: PLC0415 - slow
    from conformance.kube.client import Kube  # noqa: PLC0415 - slow
    from conformance.stack import Stack  # noqa: PLC0415 - slow

    settings = Settings(cluster=provider, docker=docker, cluster_name=name, keep_cluster=True)
    components = Components(settings)
    with contextlib.redirect_stdout(sys.stderr):  # a shell reads what is printed last
        cluster = make_cluster(settings, components)
    started = time.monotonic()
    try:
        cluster.start()
        how = "already up, kept"
        if not cluster.reused:
            how = f"Ready in {time.monotonic() - started:.1f} s"
            Stack(settings, cluster, Kube(cluster.kubeconfig), components).dns()
            how += f", DNS in {time.monotonic() - started:.1f} s"
    finally:
        components.close()
    typer.echo(f"cluster {name}: {how}; node {cluster.node_address}", err=True)
    typer.echo(f"export KUBECONFIG={cluster.kubeconfig}")


@app.command()
def down(name: Name = _DEFAULT) -> None:
    """Take a kept cluster away, with everything that was in it."""
    _sweep()
    inventory.take_down(_state(), name)
    typer.echo(f"cluster {name}: gone")


@app.command("list")
def list_() -> None:
    """List the clusters there are."""
    _sweep()
    entries = inventory.clusters(_state())
    if not entries:
        typer.echo("no clusters")
        return
    row = "{:<20} {:<9} {:<32} {:>8}  {:<15} {:>9}"
    typer.echo(row.format("NAME", "PROVIDER", "STATE", "AGE", "NODE", "OWNER PID"))
    for entry in entries:
        first, _, rest = entry.condition.partition("\n")
        record = entry.record
        age = _age(time.time() - record.created)
        address = "its container's" if record.provider == "kind" else str(record.link.address)
        pid = record.owner.pid
        typer.echo(row.format(entry.folder.name, record.provider, first, age, address, pid))
        if rest:
            typer.echo(rest)


@app.command()
def kubeconfig(name: Name = _DEFAULT) -> None:
    """Print the path of a cluster's kubeconfig."""
    typer.echo(str(inventory.find(_state(), name).folder.kubeconfig))


@app.command()
def shell(name: Name = _DEFAULT) -> None:
    """Open a shell on the node: its namespaces, its disk, kubectl and ctr on the PATH."""
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
        arguments = [*inventory.enter_command(node), *client, *in_container]
    else:
        arguments = [
            *inventory.enter_command(node),
            *(f"KUBECONFIG={ADMIN}", "CONTAINERD_NAMESPACE=k8s.io"),
            *(f"TERM={os.environ.get('TERM', 'dumb')}", f"PS1={name}-node# ", "sh", "-i"),
        ]
    os.execvp(arguments[0], arguments)  # noqa: S606 - no shell of the host's in between


def _state() -> Path:
    return Settings().state_dir


def _sweep() -> None:
    for name in inventory.sweep(Settings().state_dir):
        typer.echo(f"swept what is left of cluster {name}, whose owner is gone", err=True)


def _age(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f}{unit}"
    return f"{seconds:.0f}s"
