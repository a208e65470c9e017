"""Symbolic links in a tree: those that lead to a file or folder of it are followed.

A link that leads elsewhere, or back to where it is, is left out. What it would have been is known
only where something needs it, so only there it is worth a finding.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath


@dataclass(frozen=True)
class Links:
    """The links of a tree."""

    followed: dict[str, str] = field(default_factory=dict)
    """Path of a link -> the file or folder that it leads to, both relative to PATH."""
    broken: dict[str, str] = field(default_factory=dict)
    """Path of a link that is left out -> why, as in ``it leads out of the package``."""

    def real(self, path: str) -> str:
        """Return the path without links that a path with them stands for."""
        for one in (path, *map(str, PurePosixPath(path).parents)):
            if one in self.followed:
                return self.followed[one] + path.removeprefix(one)
        return path

    def behind(self, path: str) -> bool:
        """Return whether a path is a link, or leads through one."""
        return self.real(path) != path


def follow(
    root: Path,
    links: Iterable[tuple[str, bytes]],
    files: dict[str, bytes],
    folders: set[str],
    most: int,
) -> Links:
    """Add to ``files`` and ``folders`` what the links of a folder lead to.

    ``links`` are paths relative to ``root``, and real ones. There are never more than ``most``
    of each.
    """
    found = Links()
    for name, path in sorted(links):
        target = _target(root, name, path, files, folders)
        if target is None:
            found.broken[name] = _why(root, path)
        else:
            found.followed[name] = target
    # Twice: a folder that a link leads to may have links of its own.
    for name, target in (*found.followed.items(), *found.followed.items()):
        if target in files:
            files[name] = files[target]
            continue
        start = "" if target == "." else f"{target}/"
        folders.add(name)
        inner = [one for one in folders if one.startswith(start)]
        for one in inner[: max(0, most - len(folders))]:
            folders.add(f"{name}/{one.removeprefix(start)}")
        inner = [one for one in files if one.startswith(start)]
        for one in inner[: max(0, most - len(files))]:
            files[f"{name}/{one.removeprefix(start)}"] = files[one]
    return found


def _target(
    root: Path, name: str, path: bytes, files: dict[str, bytes], folders: set[str]
) -> str | None:
    try:
        real = Path(os.fsdecode(os.path.realpath(path, strict=True)))
        target = real.relative_to(root.resolve()).as_posix()
    except (OSError, ValueError):
        return None
    if target in files:
        return target
    # A folder that the link itself lies in would go on for ever.
    around = {str(one) for one in PurePosixPath(name).parents}
    return target if target in folders and target not in around else None


def _why(root: Path, path: bytes) -> str:
    try:
        real = Path(os.fsdecode(os.path.realpath(path, strict=True)))
    except OSError:
        return "it leads to nothing, or to itself"
    if real.is_relative_to(root.resolve()):
        return "it leads to a folder around it, or to what is not read"
    return "it leads out of the package"
