"""The terminal of a run, although pytest captures what is printed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator


class Terminal:
    """Standard error as it was before pytest began to capture it."""

    def __init__(self) -> None:
        self.stream = open(os.dup(2), "w", buffering=1, encoding="utf-8")  # noqa: PTH123, SIM115

    def say(self, text: str) -> None:
        """Show one line now."""
        print(text, file=self.stream)

    @contextlib.contextmanager
    def showing(self) -> Iterator[None]:
        """Show what the body prints at once: pytest would hold it back until a check fails."""
        with contextlib.redirect_stdout(self.stream), contextlib.redirect_stderr(self.stream):
            yield

    def close(self) -> None:
        """Show nothing any more."""
        self.stream.close()
