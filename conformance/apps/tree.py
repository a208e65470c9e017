"""Trees of files: made and described where they are, compared here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Protocol

INSIDE = Path(__file__).with_name("inside")
ALTER = b"""
import pathlib, stat, sys
path = pathlib.Path(sys.argv[1])
mode = stat.S_IMODE(path.stat().st_mode)
path.chmod(mode | stat.S_IWUSR)
with path.open("r+b") as file:
    [byte] = file.read(1)
    file.seek(0)
    file.write(bytes([byte ^ 255]))
path.chmod(mode)  # writing has taken the setuid bit away
"""


class DataDiffers(AssertionError):
    """Data is not what it was; names the first differences and counts them all."""

    SHOWN = 10

    def __init__(self, what: str, differences: Sequence[str]) -> None:
        shown = list(differences[: self.SHOWN])
        if len(differences) > self.SHOWN:
            shown.append(f"... and {len(differences) - self.SHOWN} more")
        count = f"{len(differences)} difference" + ("s" if len(differences) > 1 else "")
        super().__init__(f"{what}: {count}\n  " + "\n  ".join(shown))
        self.differences = tuple(differences)


@dataclass(frozen=True)
class Entry:
    """One path of a tree."""

    type: str
    """file, directory, link or other."""
    mode: str
    """Octal, without the type: ``4750``."""
    uid: int
    gid: int
    size: int
    """Bytes of a file's content; 0 for what is no file."""
    sha256: str
    target: str
    """What a symbolic link holds."""


Manifest = Mapping[str, Entry]
"""Path relative to the tree's root -> what is there."""


class Runner(Protocol):
    """Something that runs commands where the files are: a container, the node, this machine."""

    def __call__(self, argv: Sequence[str], stdin: bytes) -> bytes:
        """Run ``argv``; returns its standard output, raises if it fails."""


def grow(run: Runner, folder: str, *, seed: int, files: int) -> None:
    """Make ``folder`` with ``files`` files and everything in it that a careless copy damages."""
    _inside(run, "grow.py", folder, str(seed), str(files))


def make_sparse(run: Runner, folder: str, size: int) -> None:
    """Make the file ``sparse`` of ``size`` bytes, most of them in a hole, and ``dense``, without
    one, of a sixteenth of them.
    """
    _inside(run, "holes.py", "make", folder, str(size))


def room(run: Runner, *paths: str) -> dict[str, int]:
    """Return how many bytes each file takes on the disk: a hole takes none."""
    found: dict[str, int] = json.loads(_inside(run, "holes.py", "room", *paths))
    return found


def alter(run: Runner, path: str) -> None:
    """Invert the first byte of a file, for negative controls; a second time restores it."""
    run(["python3", "-", path], ALTER)


def describe(run: Runner, root: str, below: Iterable[str] = (".",)) -> dict[str, Entry]:
    """Return what is at the paths ``below`` ``root``, recursively; what is missing is left out."""
    rows = json.loads(_inside(run, "manifest.py", root, json.dumps(list(below))))
    return {path: Entry(*row) for path, row in rows.items()}


def differences(expected: Manifest, found: Manifest) -> list[str]:
    """Return, for each path that is not as expected, how it differs; in the paths' order."""
    lines = []
    for path in sorted({*expected, *found}):
        if path not in found:
            lines.append(f"{path}: missing")
        elif path not in expected:
            lines.append(f"{path}: not there before")
        elif expected[path] != found[path]:
            lines.append(f"{path}: {_changes(expected[path], found[path])}")
    return lines


def _changes(expected: Entry, found: Entry) -> str:
    names = [field.name for field in fields(Entry)]
    pairs = zip(names, astuple(expected), astuple(found), strict=True)
    return ", ".join(f"{name} {old} -> {new}" for name, old, new in pairs if old != new)


def _inside(run: Runner, script: str, *arguments: str) -> bytes:
    return run(["python3", "-", *arguments], (INSIDE / script).read_bytes())
