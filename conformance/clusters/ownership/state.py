"""Clusters on disk: one folder each, and who owns it.

An owner holds a lock on its cluster's folder for as long as it lives. Whoever gets that lock
knows that the owner is dead and may sweep. Looking and sweeping happen under the lock of the
whole state folder, so two commands at once never harm each other.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from conformance.clusters import docker
from conformance.clusters.ownership.network import PREFIX, Link, sweep_reservations, take_number
from conformance.clusters.sandbox.cgroups import Cgroups
from conformance.clusters.sandbox.host_process import HostProcess
from conformance.clusters.sandbox.log_tail import log_tail
from conformance.common.errors import HarnessError


@dataclass(frozen=True)
class Record:
    """What is known of a cluster: kept in its folder as owner.json."""

    owner: HostProcess
    kept: bool
    created: float
    """Seconds since the epoch."""
    link: Link
    node: HostProcess | None = None
    """The sandbox's PID 1; None before the first one runs, and where there is no sandbox."""
    provider: str = "embedded"
    outside: docker.Outside | None = None
    """Where its node is a container of a Docker engine that is not ours."""


class Folder:
    """One cluster's folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
        self.disk = path / "disk"
        """The node's root file system."""
        self.pki = self.disk / "etc/kubernetes/pki"
        self.logs = self.disk / "var/log/node"
        self.plan = path / "node.json"
        self.kubeconfig = path / "kubeconfig"
        self._record = path / "owner.json"

    def read(self) -> Record | None:
        """Return the record; None where a start did not get far enough to write one."""
        try:
            stored: dict[str, Any] = json.loads(self._record.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        return Record(
            owner=HostProcess(**stored["owner"]),
            kept=stored["kept"],
            created=stored["created"],
            link=Link(stored["link"]["number"], IPv4Network(stored["link"]["subnet"])),
            node=HostProcess(**stored["node"]) if stored["node"] else None,
            provider=stored.get("provider", Record.provider),
            outside=docker.Outside(**stored["outside"]) if stored.get("outside") else None,
        )

    def write(self, record: Record) -> None:
        """Replace the record at once."""
        stored = asdict(replace(record, link=Link(0, IPv4Network("0.0.0.0/30"))))
        stored["link"] = {"number": record.link.number, "subnet": str(record.link.subnet)}
        new = self._record.with_suffix(".new")
        new.write_text(json.dumps(stored), encoding="utf-8")
        new.replace(self._record)

    def log_tail(self, process: str, lines: int = 15) -> str:
        """Return the end of a process's log, indented."""
        return log_tail(self.logs / f"{process}.log", lines)

    def exited(self) -> str:
        """Return which of the node's processes ended, and the end of its log; or nothing."""
        try:
            what = json.loads((self.logs / "exited").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return ""
        name = what["process"]
        return f"; {name} ended with status {what['status']}:\n{self.log_tail(name)}"

    def try_lock(self, name: str = "lock") -> int | None:
        """Return a descriptor that holds the folder's lock; None while another process does."""
        descriptor = os.open(self.path / name, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        os.truncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        return descriptor

    def lock_holder(self, name: str = "lock") -> str:
        """Return the id of the process that has the lock, as it wrote it."""
        return (self.path / name).read_text(encoding="utf-8") or "unknown"


class State:
    """All clusters of one state folder."""

    def __init__(self, root: Path) -> None:
        self._clusters = root / "clusters"
        self._trash = root / "trash"
        self._lock = root / "lock"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of the whole; for moments only."""
        try:
            self._clusters.mkdir(parents=True, exist_ok=True)
            self._trash.mkdir(exist_ok=True)
            descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise HarnessError(
                f"cannot use the state folder {self._clusters.parent}: {error.strerror}",
                "set STACKSPIN_CONFORMANCE_STATE to a folder that is writable and has space",
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def folder(self, name: str) -> Folder:
        """Return the folder of the cluster of this name, which may not exist."""
        return Folder(self._clusters / name)

    def folders(self) -> list[Folder]:
        """Return the folders there are, dead owners' included."""
        return [Folder(path) for path in sorted(self._clusters.glob("*/"))]

    def sweep(self) -> list[str]:
        """Remove what dead owners left and return the names of their clusters; needs the lock."""
        swept = []
        for folder in self.folders():
            if (descriptor := folder.try_lock()) is not None:
                try:
                    self.remove(folder)
                except HarnessError:
                    continue  # its Docker engine does not answer: for the next sweep
                finally:
                    os.close(descriptor)
                swept.append(folder.name)
        self._sweep_cgroups()
        sweep_reservations()
        self.empty_trash()
        return swept

    def remove(self, folder: Folder, *, numbered: bool = False) -> None:
        """Take away all of a cluster; needs the state's lock and the folder's.

        ``numbered``: the caller holds the cluster's number. A free one may be another's the next
        moment, in another state folder, and with it the names of what it has on the host.
        """
        if record := folder.read():
            if record.node:
                record.node.kill()
            if record.outside:
                record.outside.remove()
            if numbered:
                _leave_host(record.link)
            elif holder := take_number(record.link.number):
                with holder:
                    _leave_host(record.link)
        # Gone at once under its name; the files follow when there is time.
        folder.path.rename(tempfile.mkdtemp(dir=self._trash) + "/" + folder.name)

    def empty_trash(self) -> subprocess.Popen[bytes] | None:
        """Delete removed folders' files in a process of its own; None if there are none."""
        paths = [str(path) for path in self._trash.iterdir()]
        if not paths:
            return None
        return subprocess.Popen(
            ["rm", "-rf", "--one-file-system", "--", *paths],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is not for it
        )

    def _sweep_cgroups(self) -> None:
        """Remove groups whose number nobody holds: a state folder may be gone altogether."""
        cgroups = Cgroups.of_host()
        for name in cgroups.named(PREFIX):
            number = name.removeprefix(PREFIX)
            if number.isdigit() and (holder := take_number(int(number))):
                cgroups.remove(name, timeout=0)
                holder.close()


def _leave_host(link: Link) -> None:
    link.remove()
    Cgroups.of_host().remove(link.cgroup)
