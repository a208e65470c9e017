"""A folder for the big files of one run, which does not outlive even a killed run for long."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from conformance.common.locks import locked


@contextlib.contextmanager
def run_folder(parent: Path) -> Iterator[Path]:
    """Yield a new folder in ``parent``, gone afterwards; what killed runs left there goes first.

    The folder is locked as long as its run lives: the kernel frees the lock on any death.
    """
    with locked(parent / "sweep.lock", "making a folder", lambda _: None):
        for other in parent.iterdir():
            if other.is_dir():
                _remove_abandoned(other)
        mine = Path(tempfile.mkdtemp(dir=parent))
        descriptor = os.open(mine, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield mine
    finally:
        shutil.rmtree(mine, ignore_errors=True)
        os.close(descriptor)


def _remove_abandoned(folder: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            pass  # its run is alive
        finally:
            os.close(descriptor)
