"""Files with and without holes: argv = ``make``, folder, bytes; or ``room``, paths.

``make`` writes ``sparse``, of so many bytes with data in a sixteenth of them, and ``dense``, of a
sixteenth of them. ``room`` prints a JSON object: path -> bytes that it takes on the disk.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def make(folder: Path, size: int) -> None:
    """Write both files: what is in them is random, so that no file system makes it smaller."""
    with (folder / "sparse").open("wb") as file:
        file.truncate(size)
        file.seek(size // 2)
        file.write(os.urandom(size // 16))
    (folder / "dense").write_bytes(os.urandom(size // 16))


def room(paths: list[str]) -> dict[str, int]:
    """Return what files take on the disk, once all is written to it, in bytes."""
    os.sync()
    # In units of 512 bytes, whatever the file system's own are.
    return {path: Path(path).stat().st_blocks * 512 for path in paths}


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        sys.stdout.write(json.dumps(room(sys.argv[2:])))
