"""One module a benchmark, in the order in which a round runs them."""

from __future__ import annotations

from bench.cases import (
    backup,
    bring_up,
    growth,
    lint,
    login,
    memory,
    report,
    restart,
    stack,
    suite,
    waiting,
    whole_platform,
)

__all__ = [
    "backup",
    "bring_up",
    "growth",
    "lint",
    "login",
    "memory",
    "report",
    "restart",
    "stack",
    "suite",
    "waiting",
    "whole_platform",
]
