"""The embedded provider: one node, brought up, kept, killed, restarted and taken down."""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.clusters import probe
from conformance.clusters.base import Cluster, Feature
from conformance.clusters.embedded import blueprint, network
from conformance.clusters.embedded.bring_up import BringUp
from conformance.clusters.embedded.cgroups import Cgroups
from conformance.clusters.embedded.hostproc import HostProcess
from conformance.clusters.embedded.inventory import enter_command
from conformance.clusters.embedded.processes import KUBELET_ROOT, REGISTRY_PORT
from conformance.clusters.embedded.sandbox import Sandbox, spawn_holder
from conformance.clusters.embedded.state import Folder, Record, State
from conformance.components.debian import ensure_packages
from conformance.errors import HarnessError

if TYPE_CHECKING:
    from conformance.components.builder import Components
    from conformance.settings import Settings

_NAME = re.compile(r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?")


class EmbeddedCluster(Cluster):
    """Kubernetes as processes in namespaces of this host. Needs root."""

    provider = "embedded"
    features = frozenset(Feature)
    kubelet_root = KUBELET_ROOT

    def __init__(self, settings: Settings, components: Components) -> None:
        if not _NAME.fullmatch(settings.cluster_name):
            raise HarnessError(
                f"{settings.cluster_name!r} is no name for a cluster",
                "choose lower-case letters, digits and dashes, 32 at most, a letter first",
            )
        self.name = settings.cluster_name
        self._settings = settings
        self._components = components
        self._state = State(settings.state_dir)
        self._folder = self._state.folder(self.name)
        self._record: Record | None = None
        self._sandbox: Sandbox | None = None
        self._claim: socket.socket | None = None
        self._locks: list[int] = []

    @property
    def kubeconfig(self) -> Path:
        """In the cluster's folder; gone with it."""
        return self._folder.kubeconfig

    @property
    def node_address(self) -> str:
        """The node's end of the veth pair."""
        return str(self._known().link.address)

    @property
    def registry(self) -> str | None:
        """The distribution registry that runs in the node."""
        return f"{self.node_address}:{REGISTRY_PORT}"

    @property
    def folder(self) -> Folder:
        """The cluster's folder: logs and disk of the node."""
        return self._folder

    def start(self) -> None:
        """Bring the cluster up, or take over a kept one of this name.

        HarnessError when the host cannot run it, a live run uses the name, or the node does not
        get Ready in time; nothing is left behind then.
        """
        if os.geteuid() == 0:
            ensure_packages(probe.PACKAGES, why="run a node")
        facts = probe.examine(self._settings.state_dir)
        with self._state.locked():
            self._state.sweep()
            if self._folder.path.exists():
                self._take_over()
        if self.reused:
            if not self._node_runs():
                self.restart_node()
            return
        self._components.require(*blueprint.PARTS, blueprint.PAUSE)
        try:
            with self._state.locked(), _uninterrupted():
                self._found()
            link = self._known().link
            link.reserve()
            Cgroups.of_host().create(link.cgroup)
            blueprint.write_plan(self._folder, link, self._components)
            self._run_node(
                lambda: blueprint.write_disk(self._folder, link, facts, self._components)
            )
            if self._settings.keep_cluster:
                self._keep()
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
        node = self._known().node
        if node is None or not node.alive:
            raise HarnessError(
                f"the node of cluster {self.name} is not running{self._folder.exited()}",
                "restart it, or `stackspin-conformance cluster down` and up again",
            )
        return enter_command(node)

    def kill_node(self) -> None:
        """SIGKILL the node's PID 1: the kernel kills all others with it, none can clean up."""
        node = self._known().node
        if node and not node.kill():
            raise HarnessError(
                f"the node's processes outlive SIGKILL (PID 1 is process {node.pid} here)",
                "look for processes in state D: `ps -eo pid,stat,wchan:32,args`",
            )
        self._drop_sandbox()

    def restart_node(self) -> None:
        """Start the node again on its disk, with the same address."""
        link = self._known().link
        self.kill_node()
        link.disconnect()
        cgroups = Cgroups.of_host()
        cgroups.remove(link.cgroup)
        cgroups.create(link.cgroup)
        self._run_node()
        if self._known().kept:
            with socket.socket(socket.AF_UNIX) as holder:
                holder.connect(network.number_socket(link.number))
                self._hand_over(holder)

    def delete(self) -> None:
        """Take all of the cluster away; safe to call twice, and on one that is not there."""
        record, self._record = self._record, None
        if record is None and not self._locks:
            return
        if record and record.node:
            record.node.kill()
        self._drop_sandbox()
        if record and record.kept:
            record.owner.kill()
        with self._state.locked():
            if self._folder.path.exists():
                self._state.remove(self._folder)
            reaper = self._state.empty_trash()
        if reaper:
            atexit.register(reaper.wait)
        self._let_go()

    def release(self) -> None:
        """Stop using a kept cluster, which stays as it is."""
        self._record = None
        self._let_go()

    def _known(self) -> Record:
        if self._record is None:
            raise HarnessError(f"cluster {self.name} is not started", "call start() first")
        return self._record

    def _node_runs(self) -> bool:
        node = self._known().node
        return node is not None and node.alive

    def _found(self) -> None:
        """Make the folder and own it; needs the state's lock."""
        if self._folder.path.exists():
            raise self._in_use(self._folder.lock_holder())
        self._folder.path.mkdir(mode=0o700)
        lock = self._folder.try_lock()
        if lock is None:
            raise self._in_use(self._folder.lock_holder())
        self._locks.append(lock)
        link, self._claim = network.claim()
        self._update(
            Record(HostProcess.of(os.getpid()), kept=False, created=time.time(), link=link)
        )

    def _take_over(self) -> None:
        """Use the kept cluster of this name; needs the state's lock."""
        record = self._folder.read()
        if record is None or not record.kept:
            raise self._in_use(self._folder.lock_holder())
        lock = self._folder.try_lock("user")
        if lock is None:
            raise self._in_use(self._folder.lock_holder("user"))
        self._locks.append(lock)
        self._record = record
        self.reused = True

    def _in_use(self, pid: str) -> HarnessError:
        return HarnessError(
            f"the cluster name {self.name} is in use by process {pid}",
            f"wait for it to end, stop it (kill {pid}), or choose another --cluster-name",
        )

    def _run_node(self, prepare: Callable[[], None] = lambda: None) -> None:
        """Start the node, write its disk meanwhile, and return when it is Ready."""
        since = time.time()
        record = self._known()
        self._sandbox = Sandbox(self._folder.plan, self._folder.path / "init.log")
        prepare()
        node = self._sandbox.hello()
        self._update(replace(record, node=node))
        record.link.create(node.pid)
        self._sandbox.go(blueprint.network_of(record.link))
        bring_up = BringUp(self._folder, self._sandbox, self.node_address, self._components)
        bring_up.wait(since, self._settings.timeouts.node_ready)

    def _keep(self) -> None:
        """Make a process of its own the owner, so that the cluster outlives this one."""
        if self._claim is None:
            return
        self._claim.listen()
        with _uninterrupted():
            log = self._folder.path / "holder.log"
            owner, connection = spawn_holder(self._locks, self._claim, log)
            self._update(replace(self._known(), owner=owner, kept=True))
        with connection:
            self._hand_over(connection)
        self._let_go()

    def _hand_over(self, holder: socket.socket) -> None:
        if self._sandbox:
            self._sandbox.hand_over(holder)

    def _update(self, record: Record) -> None:
        self._record = record
        self._folder.write(record)

    def _drop_sandbox(self) -> None:
        """Let go of the node, which ends by that, and wait until it has."""
        if self._sandbox:
            self._sandbox.close()
            self._sandbox.wait()
            self._sandbox = None

    def _let_go(self) -> None:
        """Close what makes us the owner; a holder may have it still."""
        if self._claim:
            self._claim.close()
            self._claim = None
        while self._locks:
            os.close(self._locks.pop())


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let Ctrl-C wait for a moment in which it would leave something that nobody knows of."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
