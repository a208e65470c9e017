"""How files of a report are written."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from conformance.common.errors import HarnessError


def write_atomically(path: Path, text: str) -> None:
    """Write ``text``; whoever reads ``path`` sees the old content or the new, never half.

    A link stays one, and its file is written. What is no file, as a pipe, is written to as it is.

    Raises:
        OSError: it cannot be written; nothing is left then.
    """
    if not _may_be_replaced(path):
        path.write_text(text, encoding="utf-8")
        return
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _may_be_replaced(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return True


@contextlib.contextmanager
def refused(path: Path, option: str) -> Iterator[None]:
    """Raise HarnessError where ``path``, which ``option`` names, cannot be written."""
    try:
        yield
    except OSError as error:
        raise HarnessError(
            f"{path} cannot be written: {error.strerror}", f"give another: {option}"
        ) from error
