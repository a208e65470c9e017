"""What holds for every test of the harness."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Let children be interrupted: a shell's background job inherits SIGINT ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
