"""How much memory processes use together: a page that several of them share counts once.

That is the sum of their proportional set sizes (Pss of smaps_rollup, see proc(5)): what the machine
is left without. Resident set sizes count such a page once for each process that has it, and the
linter's processes are copies of one another; high-water marks need not be of the same moment.
"""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_LINE = re.compile(r"^(Rss|Pss):\s+(\d+) kB$", re.MULTILINE)
_KIBIBYTES = 1024.0
_PAUSE = 0.02
"""Seconds between two looks: what is in use for less may be missed."""


def sums(rollups: str) -> dict[str, int]:
    """Return KiB by field from the concatenated text of several processes' smaps_rollup."""
    totals = {"Rss": 0, "Pss": 0}
    for field, value in _LINE.findall(rollups):
        totals[field] += int(value)
    return totals


def peak(process: subprocess.Popen[str]) -> float:
    """Return the most MiB that a process and its descendants have used when it has ended."""
    most = 0
    while process.poll() is None:
        most = max(most, sums("".join(_rollups(process.pid)))["Pss"])
        time.sleep(_PAUSE)
    return most / _KIBIBYTES


def _rollups(process: int) -> Iterator[str]:
    """Yield the text of smaps_rollup of a process and of its descendants."""
    with suppress(OSError):  # it may have ended
        yield Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii")
        for task in Path(f"/proc/{process}/task").iterdir():
            for child in (task / "children").read_text(encoding="ascii").split():
                yield from _rollups(int(child))
