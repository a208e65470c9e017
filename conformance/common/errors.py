"""The one kind of error that the harness raises on purpose."""

from __future__ import annotations


class HarnessError(Exception):
    """Something outside the checks went wrong, and the reader can do something about it.

    The command line prints it without a traceback: what was tried and what was found
    (``message``), then what to do next (``fix``), and exits with 2.
    """

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(f"{message}\n  To do: {fix}" if fix else message)
        self.message = message
        self.fix = fix
