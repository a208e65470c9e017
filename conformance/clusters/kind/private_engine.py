"""A Docker engine of our own, for a machine where none runs: in a sandbox, and gone with it.

The sandbox is the same as the embedded node's: namespaces of its own, so that neither the host's
firewall nor another engine is touched, and a first process that ends with its owner. Its system is
a Debian of its own (component ``docker-engine``). It has no way out: no registry is reached.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.clusters.docker import Engine
from conformance.clusters.kind import limited_runtime
from conformance.clusters.node import API_PORT
from conformance.clusters.ownership.ownership import Ownership
from conformance.clusters.sandbox.process import Process
from conformance.common.errors import HarnessError
from conformance.components.debian import system_environment

if TYPE_CHECKING:
    from conformance.components.builder import Components

PART = "docker-engine"
SOCKET = "/docker.sock"
"""On the sandbox's disk, where the host's clients reach it."""
READY_SECONDS = 60.0
"""For dockerd to open its socket; measured 1 s, slow disks take 10 times that."""
RUNTIME = "/usr/local/sbin/limited-runtime"
_LOGS = "/var/log/node"


class PrivateEngine:
    """The engine of one cluster, in its ownership's sandbox. Needs root."""

    def __init__(self, ownership: Ownership, components: Components) -> None:
        self._ownership = ownership
        self._components = components

    def start(self) -> Engine:
        """Start it on a new disk. HarnessError with the end of its log when it ends instead."""
        disk = self._ownership.folder.disk
        disk.mkdir()
        system = self._components.path(PART) / "rootfs.tar"
        subprocess.run(["tar", "--extract", "--file", system, "--directory", disk], check=True)
        program = disk / RUNTIME.lstrip("/")
        program.write_bytes(Path(limited_runtime.__file__).read_bytes())
        program.chmod(0o755)
        (disk / "etc/docker").mkdir(exist_ok=True)
        (disk / "etc/docker/daemon.json").write_text(json.dumps(self._configuration()))
        self._ownership.folder.plan.write_text(json.dumps(self._plan()))
        return self.restart()

    def restart(self) -> Engine:
        """Start it, or start it again on the disk that it left."""
        sandbox = self._ownership.run_sandbox()
        event = sandbox.event(READY_SECONDS)
        if event["event"] != "ready":
            late = f" within {READY_SECONDS:g} s" if event["event"] == "none" else ""
            tail = self._ownership.folder.log_tail("dockerd")
            reason = event.get("error") or f"the end of its log:\n{tail}"
            raise HarnessError(
                f"the private Docker engine did not start{late}: {reason}",
                "run `stackspin-conformance doctor`, which says what this host lacks",
            )
        return self.engine()

    def engine(self) -> Engine:
        """Return the running engine; its client comes with it."""
        disk = self._ownership.folder.disk
        path = f"{disk}/usr/bin:{system_environment()['PATH']}"
        return Engine(
            system_environment(PATH=path, DOCKER_HOST=f"unix://{disk}{SOCKET}"),
            str(self._ownership.record.link.address),
            API_PORT,
        )

    def _configuration(self) -> dict[str, object]:
        """Return dockerd's: https://docs.docker.com/reference/cli/dockerd/#daemon-configuration-file."""
        link = self._ownership.record.link
        return {
            "hosts": [f"unix://{SOCKET}"],
            "bridge": "none",  # kind makes a network of its own
            "default-address-pools": [
                {"base": str(link.containers), "size": link.containers.prefixlen}
            ],
            # Nothing to protect in a network namespace that only its owner can reach, and the
            # node's addresses are to be reached from outside like any other machine's.
            "iptables": False,
            "ip6tables": False,
            "cgroup-parent": f"/{link.cgroup}",
            "default-runtime": "limited",
            "runtimes": {"limited": {"path": RUNTIME}},
        }

    def _plan(self) -> dict[str, object]:
        folder = self._ownership.folder
        dockerd = Process("dockerd", ["/usr/sbin/dockerd"], ready={"unix": SOCKET})
        return {
            "hostname": f"{folder.name}-docker",
            "disk": str(folder.disk),
            "host_programs": False,
            "parts": [],
            "logs": _LOGS,
            "path": system_environment()["PATH"],
            "processes": [asdict(dockerd)],
        }
