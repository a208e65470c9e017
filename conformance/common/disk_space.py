"""How much room there is on the disk that a folder is on, or will be."""

from __future__ import annotations

import shutil
from pathlib import Path


def nearest(folder: Path) -> Path:
    """Return the folder, or the one above it that exists."""
    while not folder.exists():
        folder = folder.parent
    return folder


def free(folder: Path) -> int:
    """Return the bytes that can still be written there; the folder need not exist yet."""
    return shutil.disk_usage(nearest(folder)).free


def same_disk(one: Path, other: Path) -> bool:
    """Whether both are on one file system, so that moving a file copies nothing."""
    return nearest(one).stat().st_dev == nearest(other).stat().st_dev
