"""How files of a report are written."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from conformance.common.errors import HarnessError


def write_atomically(path: Path, text: str) -> None:
    """Write ``text``; whoever reads ``path`` sees the old content or the new, never half."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


@contextlib.contextmanager
def refused(path: Path, option: str) -> Iterator[None]:
    """Raise HarnessError where ``path``, which ``option`` names, cannot be written."""
    try:
        yield
    except OSError as error:
        raise HarnessError(
            f"{path} cannot be written: {error.strerror}", f"give another: {option}"
        ) from error
