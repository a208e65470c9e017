"""What this host can and cannot do, found out by trying it.

Each probe tries one thing the embedded provider needs, and leaves nothing behind. ``doctor``
shows all of them; a start makes those that decide something.
"""

from __future__ import annotations

import ctypes
import enum
import os
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from conformance.clusters.sandbox.cgroups import Cgroups
from conformance.common import disk_space
from conformance.common.disk_space import nearest
from conformance.common.errors import HarnessError
from conformance.common.settings import STATE_VARIABLE
from conformance.components.debian import ensure_packages, missing_packages

PACKAGES = {"iproute2": "ip", "iptables": "iptables", "util-linux": "nsenter"}
"""Debian packages of the node's own programs, and the command that shows each is there."""
GIB = 1 << 30
DISK_MINIMUM = 3 * GIB
"""Below it a start is refused: a bare cluster takes 0.2 GiB, with the whole stack 2 GiB."""
DISK_WANTED = 10 * GIB
"""With room for images under test and several clusters."""
MEMORY_MINIMUM = 2 * GIB
INOTIFY_INSTANCES, INOTIFY_WATCHES = 24, 2000
"""Of one node: with the whole stack it has 21 instances, and kubelet 1,400 watches."""
NODES_AT_ONCE = 3
"""The one under test, the one that backups are restored into, and the one with test accounts."""
_INOTIFY = Path("/proc/sys/fs/inotify")
_MOST_COUNTED = 512
"""Instances: with more of them free, nobody needs to know how many."""
PIDS_MINIMUM = 2048
CAP_SYS_RESOURCE = 24


class Outcome(enum.Enum):
    """What a finding means for the embedded provider."""

    WORKS = "works"
    ADAPTED = "adapted"
    """Missing, and done without."""
    TIGHT = "tight"
    """Enough to start; may not be for everything."""
    BLOCKED = "blocked"


@dataclass(frozen=True)
class Finding:
    """What one probe found."""

    subject: str
    outcome: Outcome
    found: str
    fix: str = ""


@dataclass(frozen=True)
class HostFacts:
    """How the node is set up on this host."""

    snapshotter: str
    """containerd's: overlayfs, or native where the state folder's file system cannot carry it."""
    restrict_oom_score: bool
    """True where containers cannot be given a lower oom_score_adj than our own."""
    open_files: int
    """The most file descriptors that a process may have."""


def examine(state_dir: Path) -> HostFacts:
    """Return how to set a node up, after installing what is missing for it, as root on Debian.

    HarnessError, with the fix, when this host cannot run one.
    """
    if os.geteuid() == 0:
        ensure_packages(PACKAGES, why="run a node")
    for probe in (root, tools, cgroups, lambda: disk(state_dir)):
        require(probe())
    return HostFacts(
        snapshotter="overlayfs" if overlay(state_dir).outcome is Outcome.WORKS else "native",
        restrict_oom_score=oom_scores().outcome is not Outcome.WORKS,
        open_files=resource.getrlimit(resource.RLIMIT_NOFILE)[1],
    )


def require(finding: Finding) -> None:
    """Raise HarnessError for a finding that blocks."""
    if finding.outcome is Outcome.BLOCKED:
        raise HarnessError(
            f"a node cannot run here: {finding.subject}: {finding.found}", finding.fix
        )


def all_probes(state_dir: Path) -> list[Callable[[], Finding]]:
    """Return every probe, in the order in which a reader should fix what they find."""
    return [
        root,
        tools,
        namespaces,
        packet_filter,
        cgroups,
        oom_scores,
        lambda: overlay(state_dir),
        lambda: disk(state_dir),
        memory,
        pids,
        inotify,
        open_files,
    ]


def root() -> Finding:
    """Namespaces, mounts and cgroups are root's."""
    if os.geteuid() == 0:
        return Finding("root", Outcome.WORKS, "effective user 0")
    found = f"user {os.geteuid()}, not root"
    return Finding("root", Outcome.BLOCKED, found, "run the same command with sudo")


def tools() -> Finding:
    """Look for programs of the host that the node and its owner run."""
    missing = missing_packages(PACKAGES)
    if missing:
        fix = f"as root: apt-get install --no-install-recommends {' '.join(missing)}"
        found = f"no {', '.join(PACKAGES[name] for name in missing)}"
        return Finding("programs", Outcome.BLOCKED, found, fix)
    return Finding("programs", Outcome.WORKS, ", ".join(sorted(PACKAGES.values())))


def namespaces() -> Finding:
    """Try the node's namespaces, and a veth device in one of them."""
    answer = _in_namespaces(
        "ip link add probe0 type veth peer name probe1 && mount -t proc x /proc"
    )
    if answer.returncode == 0:
        return Finding("namespaces", Outcome.WORKS, "net, mount, PID, UTS, IPC; veth")
    fix = "run on the host itself, or in a container with --privileged; modprobe veth"
    return Finding("namespaces", Outcome.BLOCKED, _last_line(answer), fix)


def packet_filter() -> Finding:
    """Try what kube-proxy's and portmap's rules are made of, in a network namespace."""
    rule = "iptables -t nat -A POSTROUTING -m comment --comment probe"
    answer = _in_namespaces(
        f"{rule} -m mark --mark 1/1 -j MASQUERADE && {rule} -m statistic --mode random "
        f"--probability 0.5 -m conntrack --ctstate NEW -j RETURN && "
        f"{rule} -p tcp -m multiport --dports 1,2 -j RETURN"
    )
    if answer.returncode == 0:
        return Finding("packet filter", Outcome.WORKS, "iptables nat, mark, statistic, conntrack")
    fix = "modprobe nf_nat xt_comment xt_mark xt_statistic xt_conntrack xt_MASQUERADE xt_multiport"
    return Finding("packet filter", Outcome.BLOCKED, _last_line(answer), fix)


def cgroups() -> Finding:
    """Look which controllers there are, and try to make a group."""
    host = Cgroups.of_host()
    fix = "mount the cgroup file systems; in a container: --privileged --cgroupns=private"
    if missing := host.missing():
        found = f"version {host.version} without {', '.join(missing)}"
        return Finding("cgroups", Outcome.BLOCKED, found, fix)
    probe = f"probe-{os.getpid()}"
    try:
        host.create(probe)
    except HarnessError as error:
        return Finding("cgroups", Outcome.BLOCKED, error.message, error.fix)
    finally:
        host.remove(probe)
    if host.version == 1:
        found = "version 1; kubelet is told to accept it (failCgroupV1: false)"
        return Finding("cgroups", Outcome.ADAPTED, found)
    return Finding("cgroups", Outcome.WORKS, "version 2")


def oom_scores() -> Finding:
    """Without CAP_SYS_RESOURCE no process can be made less likely to be killed for memory."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    effective = int(status.split("CapEff:")[1].split()[0], 16)
    if effective >> CAP_SYS_RESOURCE & 1:
        return Finding("oom_score_adj", Outcome.WORKS, "may be lowered")
    found = "no CAP_SYS_RESOURCE; containerd is told to leave it (restrict_oom_score_adj)"
    return Finding("oom_score_adj", Outcome.ADAPTED, found)


def overlay(state_dir: Path) -> Finding:
    """Try an overlay on the state folder's file system."""
    with tempfile.TemporaryDirectory(dir=nearest(state_dir), prefix="probe-") as name:
        for folder in ("lower", "upper", "work", "merged"):
            Path(name, folder).mkdir()
        answer = subprocess.run(
            [
                *("unshare", "--mount", "mount", "-t", "overlay", "overlay", "-o"),
                *("lowerdir=lower,upperdir=upper,workdir=work", "merged"),
            ],
            cwd=name,
            capture_output=True,
            check=False,
        )
        # The kernel's own folder, which it leaves without any permissions.
        shutil.rmtree(Path(name, "work"), ignore_errors=True)
    if answer.returncode == 0:
        return Finding("overlayfs", Outcome.WORKS, f"on {state_dir}")
    found = f"not on {state_dir}; containerd copies layers instead (native), which takes more disk"
    fix = "for speed set STACKSPIN_CONFORMANCE_STATE to a folder on ext4 or xfs"
    return Finding("overlayfs", Outcome.ADAPTED, found, fix)


def disk(state_dir: Path) -> Finding:
    """Look at the space and the mount options of the state folder's file system."""
    if os.statvfs(nearest(state_dir)).f_flag & os.ST_NOEXEC:
        fix = f"set {STATE_VARIABLE} to a folder on another file system"
        return Finding("disk", Outcome.BLOCKED, f"{state_dir} is mounted noexec", fix)
    fix = disk_space.remedy(STATE_VARIABLE)
    if found := disk_space.lack("a node", DISK_MINIMUM, state_dir):
        return Finding("disk", Outcome.BLOCKED, found, fix)
    if found := disk_space.lack("images under test and several nodes", DISK_WANTED, state_dir):
        return Finding("disk", Outcome.TIGHT, found, fix)
    free = disk_space.size(disk_space.free(state_dir))
    return Finding("disk", Outcome.WORKS, f"{free} are free in {state_dir}")


def available_memory() -> int:
    """Return the bytes of memory that are left, by the machine and the limit of our own cgroup."""
    lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
    free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    return min([free, *_cgroup_limits("memory.max", "memory.limit_in_bytes", "memory")])


def memory() -> Finding:
    """Look at the memory that is left."""
    free = available_memory()
    found = f"{free / GIB:.1f} GiB available"
    if free < MEMORY_MINIMUM:
        fix = "a bare cluster takes 1 GiB, the whole stack 2 GiB: stop something, or add memory"
        return Finding("memory", Outcome.TIGHT, found, fix)
    return Finding("memory", Outcome.WORKS, found)


def pids() -> Finding:
    """Look at the limits on the number of processes and threads."""
    kernel = [
        int(Path("/proc/sys/kernel", name).read_text()) for name in ("pid_max", "threads-max")
    ]
    limit = min([*kernel, *_cgroup_limits("pids.max", "pids.max", "pids")])
    if limit < PIDS_MINIMUM:
        fix = "raise the cgroup's pids.max (docker run --pids-limit=-1), or kernel.threads-max"
        return Finding("processes", Outcome.TIGHT, f"at most {limit} threads", fix)
    return Finding("processes", Outcome.WORKS, f"at most {limit} threads")


def inotify() -> Finding:
    """Open inotify instances while there are any: others of this user have some, too.

    All nodes of a host share what the user may have. Where there is no more, kube-proxy ends with
    "too many open files", which is not about files.
    """
    libc = ctypes.CDLL(None)
    opened: list[int] = []
    while len(opened) < _MOST_COUNTED and (descriptor := libc.inotify_init1(0)) >= 0:
        opened.append(descriptor)
    for descriptor in opened:
        os.close(descriptor)
    most, watches = (
        int((_INOTIFY / f"max_user_{name}").read_text()) for name in ("instances", "watches")
    )
    return inotify_of(len(opened), most, watches)


def inotify_of(free: int, most: int, watches: int) -> Finding:
    """Say for how many nodes at once so many free instances, of ``most``, and watches are enough.

    How many of the watches are in use, nobody tells.
    """
    nodes = min(free // INOTIFY_INSTANCES, watches // INOTIFY_WATCHES)
    word = "node" if nodes == 1 else "nodes"
    found = (
        f"enough for {nodes} more {word} at once: {free} of {most} instances are free; "
        f"at most {watches} watches"
    )
    if nodes >= NODES_AT_ONCE:
        return Finding("inotify", Outcome.WORKS, found)
    limits = {
        f"max_user_instances={max(512, 2 * most)}": free // INOTIFY_INSTANCES,
        f"max_user_watches={max(65536, 2 * watches)}": watches // INOTIFY_WATCHES,
    }
    low = [f"fs.inotify.{name}" for name, enough in limits.items() if enough < NODES_AT_ONCE]
    return Finding("inotify", Outcome.TIGHT, found, f"as root: sysctl -w {' '.join(low)}")


def open_files() -> Finding:
    """Look at the limit of open files, which without CAP_SYS_RESOURCE cannot be raised."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if limit < 4096:
        fix = "ulimit -Hn 65536, in the shell that starts the run"
        return Finding("open files", Outcome.TIGHT, f"at most {limit} per process", fix)
    return Finding("open files", Outcome.WORKS, f"at most {limit} per process")


def _in_namespaces(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *("unshare", "--net", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child"),
            *("sh", "-c", f"mount -t tmpfs x /run && {script}"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )


def _last_line(answer: subprocess.CompletedProcess[str]) -> str:
    lines = (answer.stderr or answer.stdout).strip().splitlines()
    return lines[-1] if lines else f"exit status {answer.returncode}"


def _cgroup_limits(unified_file: str, file: str, controller: str) -> list[int]:
    """Return the limits set on the cgroups that we are in, as far as they are visible."""
    limits = []
    host = Cgroups.of_host()
    for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
        _, controllers, path = line.split(":", 2)
        mount = host.controllers.get(controller) if controller in controllers else None
        name = file
        if not controllers:
            mount, name = host.unified, unified_file
        if mount is None:
            continue
        group = mount / path.lstrip("/")
        while group.is_relative_to(mount):
            if (group / name).is_file():
                text = (group / name).read_text(encoding="utf-8").strip()
                limits += [int(text)] if text.isdigit() else []
            group = group.parent
    return limits
