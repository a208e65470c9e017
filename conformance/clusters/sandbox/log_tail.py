"""The end of a log, as an error quotes it."""

from __future__ import annotations

from pathlib import Path


def log_tail(log: Path, lines: int = 15) -> str:
    """Return the last lines of a log, indented; says so where it is empty, or not there."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return "    (no log)"
    return "\n".join(f"    {line}" for line in text.rstrip().splitlines()[-lines:]) or (
        "    (empty log)"
    )
