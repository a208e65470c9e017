"""What a node is made of: the plan that its PID 1 follows, and the disk that it finds."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from conformance.clusters.embedded import files, pki
from conformance.clusters.embedded import processes as node
from conformance.clusters.node import API_PORT
from conformance.clusters.ownership import egress
from conformance.clusters.ownership.network import Link
from conformance.clusters.ownership.state import Folder
from conformance.clusters.sandbox.sandbox import SYSTEM_PATH
from conformance.clusters.snapshots.disk import LAYERS
from conformance.components.pods import POD_SUBNET

if TYPE_CHECKING:
    from conformance.clusters.probe import HostFacts
    from conformance.clusters.snapshots.store import Snapshot
    from conformance.components.builder import Components

PARTS = ("runc", "cni-plugins", "etcd", "kubernetes", "containerd", "registry")
PAUSE = "image-pause"
CNI_FOLDER = "/opt/cni/bin"
NODE_PATH = ":".join([*(f"{node.PARTS}/{part}" for part in PARTS), SYSTEM_PATH])
LOGS = "/var/log/node"
DISK_FOLDERS = ("home", "mnt", "opt/local-path-provisioner", "root", "srv", "tmp", LOGS.lstrip("/"))


def node_name(folder: Folder) -> str:
    """Return the node's name in the cluster, and its host name, as its plan has it."""
    return str(json.loads(folder.plan.read_text(encoding="utf-8"))["hostname"])


def write_plan(
    folder: Folder, link: Link, components: Components, snapshot: Snapshot | None = None
) -> None:
    """Write what PID 1 reads: processes, and which folders of the host the node shows where.

    What is on the disk of a ``snapshot`` names the node that it was made of; so does its fork.
    """
    parts = [(str(components.path(part)), f"{node.PARTS}/{part}") for part in PARTS]
    parts.append((str(components.path("cni-plugins")), CNI_FOLDER))
    name = f"{folder.name}-node"
    if snapshot is not None:
        name = snapshot.node
        parts.append((str(snapshot.layers), LAYERS))
    processes = node.node_processes(node=name, address=str(link.address))
    plan = {
        "hostname": name,
        "disk": str(folder.disk),
        "host_programs": True,
        "parts": parts,
        "logs": LOGS,
        "path": NODE_PATH,
        "processes": [asdict(process) for process in processes],
        "pods": POD_SUBNET,
    }
    folder.disk.mkdir(exist_ok=True)
    folder.plan.write_text(json.dumps(plan, indent=1), encoding="utf-8")


def write_disk(
    folder: Folder, link: Link, host: HostFacts, components: Components, *, with_egress: bool
) -> None:
    """Write certificates, configuration and the administrator's kubeconfig."""
    for name in DISK_FOLDERS:
        (folder.disk / name).mkdir(parents=True)
    (folder.disk / "tmp").chmod(0o1777)
    # Where containerd keeps network namespaces; like all of /run gone with the node's end.
    (folder.disk / "var/run").symlink_to("/run")
    pki.write_cluster_pki(folder.pki, **_whose(folder, link))
    _write_settings(folder, link, host, components, with_egress=with_egress)


def renew_disk(folder: Folder, link: Link, host: HostFacts, components: Components) -> None:
    """Write anew what a fork's disk has of the node that the snapshot was made of.

    That is what its address, its number or this host is in, and the machine's id. It has no egress.
    """
    pki.renew_cluster_pki(folder.pki, **_whose(folder, link))
    _write_settings(folder, link, host, components, with_egress=False)


def _whose(folder: Folder, link: Link) -> dict[str, str]:
    return {
        "node": node_name(folder),
        "address": str(link.address),
        "service_address": node.API_SERVICE_ADDRESS,
    }


def _write_settings(
    folder: Folder, link: Link, host: HostFacts, components: Components, *, with_egress: bool
) -> None:
    files.write_files(
        folder.disk,
        name=node_name(folder),
        address=str(link.address),
        cgroup_root=f"/{link.cgroup}",
        snapshotter=host.snapshotter,
        restrict_oom_score=host.restrict_oom_score,
        pause_image=components.image_reference(PAUSE),
        open_files=host.open_files,
        name_server=egress.name_server(link.containers) if with_egress else "",
    )
    kubeconfig = files.admin_kubeconfig(
        folder.pki,
        context=f"embedded-{folder.name}",
        server=f"https://{link.address}:{API_PORT}",
    )
    for path in (folder.kubeconfig, folder.disk / node.ADMIN.lstrip("/")):
        path.touch(mode=0o600)
        path.write_text(kubeconfig, encoding="utf-8")
