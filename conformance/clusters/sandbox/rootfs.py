"""The node's file system: its own disk, with the host's programs read-only in it if wanted.

Runs in the node's PID 1, after unshare(2) and before anything else. Nothing that the node does
reaches the host's files: the node's root is a folder of the cluster's, made the root of the
mount namespace by pivot_root(2), so that nsenter(1) lands in it too.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from pathlib import Path

MS_RDONLY = 1
MS_REMOUNT = 32
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
MS_SHARED = 1 << 20
MNT_DETACH = 2
HOST_PROGRAMS = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32")
KERNEL_SETTINGS = ("fs", "kernel", "vm")
"""Below /proc/sys, and the host's own: read-only in the node."""
KUBELET_DEMANDS = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
"""What kubelet sets on its machine, and ends if it cannot: the node shows it files that say so.
https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/kubelet/cm/container_manager_linux.go"""

_libc = ctypes.CDLL(None, use_errno=True)


def mount(source: str, target: Path, kind: str = "", flags: int = 0, options: str = "") -> None:
    """Call mount(2). Raises OSError naming the target."""
    if _libc.mount(
        source.encode(), bytes(target), kind.encode(), ctypes.c_ulong(flags), options.encode()
    ):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), str(target))


def bind(source: Path, target: Path, *, read_only: bool = False, recursive: bool = False) -> None:
    """Show the folder ``source`` at ``target`` as well, which is made if need be."""
    target.mkdir(parents=True, exist_ok=True)
    mount(str(source), target, flags=MS_BIND | (MS_REC if recursive else 0))
    if read_only:
        mount("", target, flags=MS_BIND | MS_REMOUNT | MS_RDONLY)


def enter(disk: Path, parts: Iterable[tuple[str, str]], *, host_programs: bool) -> None:
    """Make ``disk`` the root; ``parts`` are folders of the host and where to show them in it.

    Without ``host_programs`` the disk has a system of its own.
    """
    mount("", Path("/"), flags=MS_REC | MS_PRIVATE)
    bind(disk, disk)
    for name in HOST_PROGRAMS if host_programs else ():
        source, target = Path("/", name), disk / name
        if source.is_symlink():  # /bin -> usr/bin, as on every merged-/usr system
            if not target.is_symlink():
                target.symlink_to(source.readlink())
        elif source.is_dir():
            bind(source, target, read_only=True)
    for part, shown_at in parts:
        bind(Path(part), disk / shown_at.lstrip("/"), read_only=True)
    bind(Path("/dev"), disk / "dev", recursive=True)
    bind(Path("/sys"), disk / "sys", recursive=True)
    _new(disk / "proc", "proc")
    for name in KERNEL_SETTINGS:
        settings = disk / "proc/sys" / name
        bind(settings, settings, read_only=True)
    _new(disk / "run", "tmpfs", "mode=755")
    for name, value in KUBELET_DEMANDS.items():
        told, real = disk / "run" / name.replace("/", "."), disk / "proc/sys" / name
        if real.exists():
            told.write_text(f"{value}\n", encoding="ascii")
            mount(str(told), real, flags=MS_BIND)
    os.chdir(disk)
    # The old root is stacked below the new one, and taken away: pivot_root(2), "NOTES".
    if _libc.pivot_root(b".", b"."):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), str(disk))
    if _libc.umount2(b".", MNT_DETACH):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), "the host's root")
    os.chdir("/")
    # Pods may ask for HostToContainer propagation, which kubelet refuses on a private mount.
    mount("", Path("/"), flags=MS_REC | MS_SHARED)


def _new(target: Path, kind: str, options: str = "") -> None:
    target.mkdir(exist_ok=True)
    mount(kind, target, kind, options=options)
