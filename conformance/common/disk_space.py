"""Whether the disk that a folder is on, or will be, has room; each caller has its own limit."""

from __future__ import annotations

import shutil
from pathlib import Path

from conformance.common.errors import HarnessError


def size(count: int) -> str:
    """Return bytes for people: ``0.3 GB``."""
    return f"{count / 1e9:.1f} GB"


def nearest(folder: Path) -> Path:
    """Return the folder, or the one above it that exists."""
    while not folder.exists():
        folder = folder.parent
    return folder


def free(folder: Path) -> int:
    """Return the bytes that can still be written there; the folder need not exist yet."""
    return shutil.disk_usage(nearest(folder)).free


def lack(what: str, needed: int, folder: Path) -> str:
    """Return in words that a folder has no room for something; empty: so many bytes are free."""
    available = free(folder)
    if available >= needed:
        return ""
    return (
        f"too little disk space for {what}: {size(needed)} are needed in {folder}, "
        f"and {size(available)} are free"
    )


def remedy(variable: str) -> str:
    """Return what to do about it; the environment variable says where the folder is."""
    return (
        "free some, for example by `stackspin-conformance components prune`, which removes what no "
        f"run needs, or set {variable} to a folder on a larger disk"
    )


def require(what: str, needed: int, folder: Path, variable: str) -> None:
    """Raise HarnessError unless a folder has so many bytes for something."""
    if why := lack(what, needed, folder):
        raise HarnessError(why, remedy(variable))


def same_disk(one: Path, other: Path) -> bool:
    """Whether both are on one file system, so that moving a file copies nothing."""
    return nearest(one).stat().st_dev == nearest(other).stat().st_dev
