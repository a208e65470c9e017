"""One module a benchmark, in the order in which a round runs them."""

from __future__ import annotations

from bench.cases import (
    backup,
    bring_up,
    lint,
    login,
    memory,
    report,
    restart,
    snapshot,
    stack,
    suite,
    waiting,
)

__all__ = [
    "backup",
    "bring_up",
    "lint",
    "login",
    "memory",
    "report",
    "restart",
    "snapshot",
    "stack",
    "suite",
    "waiting",
]
