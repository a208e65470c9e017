"""The embedded provider: one node, brought up, kept, killed, restarted and taken down."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.clusters import probe
from conformance.clusters.base import Cluster, Feature
from conformance.clusters.embedded import blueprint, files
from conformance.clusters.embedded.bring_up import BringUp
from conformance.clusters.embedded.processes import KUBELET_ROOT
from conformance.clusters.embedded.stop import forget_address
from conformance.clusters.node import REGISTRY_PORT
from conformance.clusters.node_registry import REGISTRY_FOLDER
from conformance.clusters.ownership import egress
from conformance.clusters.ownership.ownership import Ownership
from conformance.clusters.ownership.state import Folder
from conformance.clusters.sandbox.sandbox import enter_command
from conformance.clusters.snapshots import disk
from conformance.clusters.snapshots.store import WITH_APPS
from conformance.common.errors import HarnessError
from conformance.components.debian import ensure_packages
from conformance.oci.registry_storage import place_blobs

if TYPE_CHECKING:
    from conformance.clusters.snapshots.store import Origin, Snapshot, SnapshotStore
    from conformance.common.settings import Settings
    from conformance.components.builder import Components


class EmbeddedCluster(Cluster):
    """Kubernetes as processes in namespaces of this host. Needs root."""

    provider = "embedded"
    features = frozenset(Feature)
    kubelet_root = KUBELET_ROOT

    def __init__(self, settings: Settings, components: Components) -> None:
        self.name = settings.cluster_name
        self._settings = settings
        self._components = components
        self._ownership = Ownership(settings.state_dir, self.name, self.provider)
        self._folder = self._ownership.folder

    @property
    def kubeconfig(self) -> Path:
        """In the cluster's folder; gone with it."""
        return self._folder.kubeconfig

    @property
    def node_address(self) -> str:
        """The node's end of the veth pair."""
        return str(self._ownership.record.link.address)

    @property
    def registry(self) -> str | None:
        """The distribution registry that runs in the node."""
        return f"{self.node_address}:{REGISTRY_PORT}"

    def push_image(self, layout: Path, reference: str) -> str:
        """Put the blobs where the node's registry keeps its own, and send the manifest alone."""
        place_blobs(layout, reference, self._folder.disk / REGISTRY_FOLDER.lstrip("/"))
        return super().push_image(layout, reference)

    @property
    def folder(self) -> Folder:
        """The cluster's folder: logs and disk of the node."""
        return self._folder

    @property
    def egress(self) -> bool:
        """Whether the node has a way out; a kept one has it as it was started."""
        path = self._folder.disk / "etc/resolv.conf"
        return self._settings.egress if not path.is_file() else files.has_egress(path)

    def start(self, snapshot: Snapshot | None = None) -> None:
        """Bring the cluster up, or take over a kept one of this name.

        It is a fork of ``snapshot`` if one is given: its lock is the cluster's from now on, and it
        is started without egress. HarnessError when the host cannot run it, a live run uses the
        name, or the node does not get Ready in time; nothing is left behind then.
        """
        facts = probe.examine(self._settings.state_dir)
        if self._settings.egress:
            ensure_packages(egress.PACKAGES, why="give the node a way out")
        self.reused = self._ownership.enter()
        if self.reused:
            if snapshot is not None:
                snapshot.close()
            if self._settings.egress and not self.egress:
                self._ownership.release()
                raise HarnessError(
                    f"the kept cluster {self.name} was started without a way out",
                    f"stackspin-conformance cluster down --cluster-name {self.name}, or choose "
                    "another --cluster-name",
                )
            if not self._ownership.runs:
                self.restart_node()
            return
        try:
            self._components.require(*blueprint.PARTS, blueprint.PAUSE)
            link = self._ownership.found()
            if snapshot is not None:
                self._ownership.hold(snapshot.lock)
                disk.require_room(snapshot.path, self._folder.disk)
                disk.fork(snapshot.path, self._folder.disk)
                self.snapshot, self.forked_at = str(snapshot), time.time()
                self.has_apps = snapshot.kind == WITH_APPS
            blueprint.write_plan(self._folder, link, self._components, snapshot)

            def prepare() -> None:
                if snapshot is not None:
                    blueprint.renew_disk(self._folder, link, facts, self._components)
                    return
                egress = self._settings.egress
                blueprint.write_disk(
                    self._folder, link, facts, self._components, with_egress=egress
                )

            self._run_node(prepare)
            if self._settings.keep_cluster:
                self._ownership.keep()
        except BaseException:
            self.delete()
            raise

    def node_run(
        self, argv: Sequence[str], *, stdin: bytes | None = None, timeout: float = 60.0
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command as root in the node's namespaces, on its disk; see the base class."""
        try:
            return subprocess.run(
                [*self._enter_command(), *argv],
                input=stdin,
                stdin=None if stdin is not None else subprocess.DEVNULL,
                capture_output=True,
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise HarnessError(
                f"on the node, {' '.join(argv)} did not end within {timeout:g} s"
            ) from error

    def _enter_command(self) -> list[str]:
        node = self._ownership.record.node
        if node is None or not node.alive:
            raise HarnessError(
                f"the node of cluster {self.name} is not running{self._folder.exited()}",
                "restart it, or `stackspin-conformance cluster down` and up again",
            )
        return enter_command(node, blueprint.NODE_PATH)

    def kill_node(self) -> None:
        """SIGKILL the node's PID 1: the kernel kills all others with it, none can clean up."""
        self._ownership.kill_sandbox()

    def restart_node(self) -> None:
        """Start the node again on its disk, with the same address."""
        self._ownership.clear_for_restart()
        self._run_node()
        self._ownership.keep_restarted()

    def become_snapshot(
        self, store: SnapshotStore, kind: str, key: str, origin: Origin | None = None
    ) -> None:
        """Stop the node, and move its disk into a new snapshot; what is left is to be deleted.

        For a cluster that is neither kept nor itself a fork. HarnessError when the node does not
        run, or the disk cannot be moved.
        """
        if node := self._ownership.record.node:
            forget_address(node)
        self.kill_node()
        with store.making(kind, key, blueprint.node_name(self._folder), origin) as folder:
            disk.take(self._folder.disk, folder)

    def export_logs(self, folder: Path) -> None:
        """Copy the log of each process of the node."""
        shutil.copytree(self._folder.logs, folder, dirs_exist_ok=True)

    def cancel(self) -> None:
        """Let a ``start`` in another thread fail soon: what it waits for is killed."""
        self._ownership.cancel()

    def delete(self) -> None:
        """Take all of the cluster away; safe to call twice, and on one that is not there."""
        self._ownership.delete()

    def release(self) -> None:
        """Stop using a kept cluster, which stays as it is."""
        self._ownership.release()

    def _run_node(self, prepare: Callable[[], None] = lambda: None) -> None:
        """Start the node, write its disk meanwhile, and return when it is Ready."""
        since, with_egress = time.time(), self.egress
        sandbox = self._ownership.run_sandbox(prepare, with_egress=with_egress)
        bring_up = BringUp(self._folder, sandbox, self.node_address, self._components)
        bring_up.wait(since, self._settings.timeouts.node_ready)
