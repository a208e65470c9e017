"""Make a tree of files that a careless copy damages: argv = folder to make, seed, files.

The same arguments make the same tree. Modes, a second group (where the user has one), other owners
(where the user is root), links of every kind, and names that are hard to carry.
"""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

FILE_MODES = (0o600, 0o640, 0o644, 0o660, 0o400, 0o440, 0o755, 0o750, 0o4750)
FOLDER_MODES = (0o700, 0o750, 0o755, 0o2775, 0o1770)
SIZES = (0, 1, 100, 1000, 4096, 5000)
NAMES = (
    "Grüße aus Köln.txt",
    "cafe\u0301 decomposed.txt",
    "資料 データ.csv",
    "архив №1.tar",
    "🗒 note.md",
    "-leading dash",
    ".hidden",
    "two  spaces and 'quotes' \"double\"",
    "$HOME %s {{ braces }} \\ backslash",
    "n" * 250,
)
LINKS = {
    "link to file": NAMES[1],
    "link to folder": "folder-0",
    "link nowhere": "does/not/exist",
    "link absolute": "/etc/hostname",
    "link out": "../../..",
    "link ünïcode": NAMES[0],
}


def owners() -> list[tuple[int, int]]:
    """Return the owners and groups that this user may give a file; -1: its own."""
    if os.geteuid() == 0:
        return [(0, 0), (1000, 1000), (10001, 10002), (65534, 33)]
    return [(-1, group) for group in sorted({os.getgid(), *os.getgroups()})]


def write(path: Path, content: bytes, mode: int, owner: tuple[int, int]) -> None:
    """Make one file; the mode last, as a change of owner takes the setuid bit away."""
    path.write_bytes(content)
    os.chown(path, *owner)
    path.chmod(mode)


def main(root: Path, seed: int, files: int) -> None:
    """Make the tree."""
    chance = random.Random(seed)  # noqa: S311 - to be repeatable, not secret
    may_give = owners()
    root.mkdir(parents=True)
    folders = [root]
    for number in range(max(3, files // 100)):
        folder = chance.choice(folders) / f"folder-{number}" if number else root / "folder-0"
        folder.mkdir()
        folders.append(folder)
    for number in range(files):
        path = chance.choice(folders) / f"file-{number}"
        content = chance.randbytes(chance.choice(SIZES))
        write(path, content, chance.choice(FILE_MODES), chance.choice(may_give))
    for name in NAMES:
        write(root / name, name.encode(), 0o644, may_give[-1])
    for name, target in LINKS.items():
        (root / name).symlink_to(target)
    (root / "empty folder").mkdir()
    for folder in folders[1:]:
        os.chown(folder, *chance.choice(may_give))
        folder.chmod(chance.choice(FOLDER_MODES))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
