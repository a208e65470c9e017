"""What makes a process the owner of a cluster: its folder's lock, its number, its sandbox."""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from conformance.clusters.docker import Outside
from conformance.clusters.ownership import egress, network
from conformance.clusters.ownership.network import NODE_DEVICE, Link
from conformance.clusters.ownership.state import Record, State
from conformance.clusters.sandbox.cgroups import Cgroups
from conformance.clusters.sandbox.host_process import HostProcess
from conformance.clusters.sandbox.sandbox import Sandbox, give
from conformance.common.errors import HarnessError
from conformance.common.settings import PROJECT_ROOT

# -I -S: none of the environment's packages and hooks.
_HOLDER = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); "
    "from conformance.clusters.ownership.holder import main; main()"
)
_NAME = re.compile(r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?")


class Ownership:
    """This process's hold on one cluster; whatever way it ends, the cluster's end follows.

    The sandbox is what the cluster's processes run in: one PID namespace among others.
    """

    def __init__(self, state_dir: Path, name: str, provider: str) -> None:
        if not _NAME.fullmatch(name):
            raise HarnessError(
                f"{name!r} is not a valid name for a cluster",
                "choose lower-case letters, digits and dashes, at most 32, beginning with a letter",
            )
        self._name = name
        self._provider = provider
        self._state = State(state_dir)
        self.folder = self._state.folder(name)
        self.sandbox: Sandbox | None = None
        self._record: Record | None = None
        self._claim: socket.socket | None = None
        self._locks: list[int] = []
        self._cancelled = threading.Event()

    @property
    def record(self) -> Record:
        """What is known of the cluster. HarnessError unless it was founded or taken over."""
        if self._record is None:
            raise HarnessError(f"cluster {self._name} is not started", "call start() first")
        return self._record

    @property
    def runs(self) -> bool:
        """Whether the sandbox's first process is alive."""
        return self.record.node is not None and self.record.node.alive

    def enter(self) -> bool:
        """Sweep what dead owners left; take over a kept cluster of this name if there is one.

        Returns whether there is. HarnessError when the name is in use.
        """
        with self._state.locked():
            self._state.sweep()
            if not self.folder.path.exists():
                return False
            self._take_over()
        return True

    def found(self) -> Link:
        """Make the folder, own it, and return the cluster's place on the host's network."""
        with self._state.locked(), _uninterrupted():
            self._refuse_if_cancelled()
            if self.folder.path.exists():
                raise self._in_use(self.folder.lock_holder())
            self.folder.path.mkdir(mode=0o700)
            lock = self.folder.try_lock()
            if lock is None:
                raise self._in_use(self.folder.lock_holder())
            self._locks.append(lock)
            link, self._claim = network.claim()
            owner = HostProcess.of(os.getpid())
            self._update(
                Record(owner, kept=False, created=time.time(), link=link, provider=self._provider)
            )
        return link

    def hold(self, lock: int) -> None:
        """Keep a descriptor open for as long as somebody owns the cluster."""
        self._locks.append(lock)

    def run_sandbox(
        self, prepare: Callable[[], None] = lambda: None, *, with_egress: bool = False
    ) -> Sandbox:
        """Start the sandbox that the folder's plan describes, and connect it with the host.

        ``prepare`` is called while it starts; it may write the sandbox's disk. With egress it
        reaches whatever the host reaches, too.
        """
        link = self.record.link
        link.reserve()
        Cgroups.of_host().create(link.cgroup)
        self.sandbox = Sandbox(self.folder.plan, self.folder.path / "init.log")
        prepare()
        node = self.sandbox.hello()
        self._update(replace(self.record, node=node))
        self._refuse_if_cancelled()
        link.create(node.pid)
        connected: dict[str, Any] = {
            "address": f"{link.address}/{link.subnet.prefixlen}",
            "gateway": str(link.gateway),
            "device": NODE_DEVICE,
        }
        if with_egress:
            log = self.folder.path / "egress.log"
            ended = self.sandbox.ended
            connected["egress"] = egress.give_way_out(node.pid, ended, link.containers, log)
        self.sandbox.go(connected)
        return self.sandbox

    def go_outside(self, outside: Outside) -> None:
        """Note that the node will be a container of a Docker engine that is not ours."""
        self._update(replace(self.record, outside=outside))

    def clear_for_restart(self) -> None:
        """Kill the sandbox, and take away what the host has of it but its disk."""
        self.kill_sandbox()
        link = self.record.link
        link.disconnect()
        Cgroups.of_host().remove(link.cgroup)

    def kill_sandbox(self) -> None:
        """SIGKILL its PID 1: the kernel kills all others with it, none can clean up."""
        node = self.record.node
        if node and not node.kill():
            raise HarnessError(
                f"the node's processes outlive SIGKILL (PID 1 is process {node.pid} here)",
                "look for processes in state D: `ps -eo pid,stat,wchan:32,args`",
            )
        self._drop_sandbox()

    def keep(self) -> None:
        """Make a process of its own the owner, so that the cluster outlives this one."""
        claim = self._claim
        if claim is None:
            return
        claim.listen()
        with _uninterrupted():
            log = self.folder.path / "holder.log"
            owner, connection = _spawn_holder(self._locks, claim, log)
            self._update(replace(self.record, owner=owner, kept=True))
        with connection:
            if self.sandbox:
                self.sandbox.hand_over(connection)
            else:
                give(connection, claim)  # a holder that is given nothing ends
        self._let_go()

    def keep_restarted(self) -> None:
        """Give the holder of a kept cluster the sandbox that was started again."""
        if self.record.kept and self.sandbox:
            with socket.socket(socket.AF_UNIX) as holder:
                holder.connect(network.number_socket(self.record.link.number))
                self.sandbox.hand_over(holder)

    def cancel(self) -> None:
        """Make another thread that brings the cluster up fail: it loses its node, and gets no new
        one. Taking away what there is by then is its business.
        """
        self._cancelled.set()
        record = self._record
        if record and record.node:
            record.node.kill()
        if record and record.outside:
            record.outside.remove()

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
            if self.folder.path.exists():
                self._state.remove(self.folder, numbered=self._claim is not None)
            reaper = self._state.empty_trash()
        if reaper:
            atexit.register(reaper.wait)
        self._let_go()

    def release(self) -> None:
        """Stop using a kept cluster, which stays as it is."""
        self._record = None
        self._let_go()

    def _take_over(self) -> None:
        record = self.folder.read()
        if record and record.outside and not record.owner.alive:
            raise HarnessError(
                f"cluster {self._name} has lost its owner and cannot be removed: its Docker "
                "engine does not answer",
                "start that engine; if it is gone for good, delete the cluster's folder "
                f"{self.folder.path}; or choose another --cluster-name",
            )
        if record is None or not record.kept:
            raise self._in_use(self.folder.lock_holder())
        if record.provider != self._provider:
            raise HarnessError(
                f"the kept cluster {self._name} is of the provider {record.provider}",
                f"use --cluster={record.provider}, or choose another --cluster-name",
            )
        lock = self.folder.try_lock("user")
        if lock is None:
            raise self._in_use(self.folder.lock_holder("user"))
        self._locks.append(lock)
        self._record = record

    def _refuse_if_cancelled(self) -> None:
        if self._cancelled.is_set():
            raise HarnessError(f"cluster {self._name} is not wanted any more")

    def _in_use(self, pid: str) -> HarnessError:
        return HarnessError(
            f"the cluster name {self._name} is in use by process {pid}",
            f"wait for it to end, stop it (kill {pid}), or choose another --cluster-name",
        )

    def _update(self, record: Record) -> None:
        self._record = record
        self.folder.write(record)

    def _drop_sandbox(self) -> None:
        """Let go of the sandbox, which ends by that, and wait until it has."""
        if self.sandbox:
            self.sandbox.close()
            self.sandbox.wait()
            self.sandbox = None

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


def _spawn_holder(
    keep: list[int], listener: socket.socket, log: Path
) -> tuple[HostProcess, socket.socket]:
    """Start the process that is to own a kept cluster; it has the descriptors ``keep``.

    It ends again if the socket returned is closed before a node's channel came through it.
    """
    ours, theirs = socket.socketpair()
    with theirs, log.open("ab") as output:
        process = subprocess.Popen(
            [
                *(sys.executable, "-I", "-S", "-c", _HOLDER, str(PROJECT_ROOT)),
                *(str(listener.fileno()), str(theirs.fileno())),
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[listener.fileno(), theirs.fileno(), *keep],
            start_new_session=True,
            cwd="/",
            env={"PATH": os.defpath},
        )
    return HostProcess.of(process.pid), ours
