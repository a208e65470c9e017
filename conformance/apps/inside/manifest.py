"""Describe files: argv = root, JSON list of paths below it (trees or files) to describe.

Prints a JSON object: path relative to root -> [type, mode, uid, gid, size, sha256, link target].
A path that is not there is left out. What cannot be read has the error in place of its hash.
"""

from __future__ import annotations

import hashlib
import json
import stat
import sys
from collections.abc import Iterator
from pathlib import Path


def content_hash(path: Path) -> str:
    """Return the SHA-256 of a file's content, or why it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    except OSError as error:
        return f"unreadable: {error.strerror}"
    return digest.hexdigest()


def describe(path: Path, status: int) -> tuple[str, str, str]:
    """Return type, SHA-256 and link target of a path whose ``st_mode`` is given."""
    if stat.S_ISREG(status):
        return "file", content_hash(path), ""
    if stat.S_ISLNK(status):
        return "link", "", str(path.readlink())
    return "directory" if stat.S_ISDIR(status) else "other", "", ""


def walk(path: Path) -> Iterator[Path]:
    """Yield a path and everything below it; a folder that cannot be read ends the script."""
    yield path
    if path.is_dir() and not path.is_symlink():
        for child in path.iterdir():
            yield from walk(child)


def main(root: Path, below: list[str]) -> None:
    """Print the description of everything below."""
    found = {}
    for start in below:
        top = root / start
        if not (top.exists() or top.is_symlink()):
            continue
        for path in walk(top):
            status = path.lstat()
            kind, digest, target = describe(path, status.st_mode)
            mode = f"{stat.S_IMODE(status.st_mode):o}"
            size = status.st_size if kind == "file" else 0
            row = [kind, mode, status.st_uid, status.st_gid, size, digest, target]
            found[str(path.relative_to(root))] = row
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
