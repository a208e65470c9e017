"""How busy this machine is while something is measured on it: whoever reads the number has to know.

An outage of 40 s means one thing on an idle machine and another where four programs shared two
processors. On a cluster elsewhere, this is the machine of the suite.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True)
class Load:
    """What was seen over some time."""

    name: str
    """CPU pressure: the share of time in which something that could run had no processor. Where the
    kernel does not tell that, CPU busy: the share of the processors' time that was used."""
    percent: float
    average: float
    """The load average of the last minute, at the end."""
    processors: int
    """How many the machine has."""

    @property
    def slowdown(self) -> float:
        """How many times as long as alone something took in the last minute, at least 1.

        Tasks that want a processor, and those that wait for a disk, are in the load average; they
        share the processors. CPU pressure cannot say it: one waiting task and thirty are 100 %.
        """
        return max(1.0, self.average / self.processors)

    def __str__(self) -> str:
        return f"{self.name} {self.percent:.0f} %, load average {self.average:.1f}"


class LoadMeter:
    """Measures from when it is made."""

    def __init__(self) -> None:
        self._pressure = _pressure()
        self._busy, self._total = _times()
        self._began = time.monotonic()

    def read(self) -> Load:
        """Return how busy the machine was since then."""
        average, processors = os.getloadavg()[0], os.cpu_count() or 1
        pressure = _pressure()
        if self._pressure is not None and pressure is not None:
            seconds = time.monotonic() - self._began
            percent = _percent(pressure - self._pressure, seconds)
            return Load("CPU pressure", percent, average, processors)
        busy, total = _times()
        percent = _percent(busy - self._busy, total - self._total)
        return Load("CPU busy", percent, average, processors)


def _percent(part: float, whole: float) -> float:
    return min(100.0, 100.0 * part / whole) if whole > 0 else 0.0


def _pressure() -> float | None:
    """Return the seconds since boot in which some task waited for a processor; None: not told.

    https://docs.kernel.org/accounting/psi.html
    """
    try:
        text = (PROC / "pressure/cpu").read_text(encoding="ascii")
    except OSError:
        return None
    some = next(line for line in text.splitlines() if line.startswith("some "))
    return int(some.rpartition("total=")[2]) / 1e6


def _times() -> tuple[int, int]:
    """Return busy and all time of the processors since boot, in ticks (proc_stat(5))."""
    first = (PROC / "stat").read_text(encoding="ascii").partition("\n")[0]
    user, nice, system, idle, iowait, *others = (int(each) for each in first.split()[1:9])
    busy = user + nice + system + sum(others)
    return busy, busy + idle + iowait
