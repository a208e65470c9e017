"""The machine, and whether it had anything else to do: numbers from a busy one mean little."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from conformance.report.host import describe_host

SAMPLE_SECONDS = 1.0
BUSY_SHARE = 0.15
"""A quiet machine with an editor and a browser open stays below."""


@dataclass(frozen=True)
class Machine:
    """What durations depend on. ``load`` is that of the last 1, 5 and 15 minutes."""

    system: str
    kernel: str
    model: str
    cores: int
    memory_bytes: int
    memory_available_bytes: int
    cgroups: str
    load: tuple[float, float, float]
    busy: float
    """Share of all cores' time that others used in the second before the start."""

    def warnings(self) -> list[str]:
        """Return why numbers measured now are not to be trusted; nothing on a quiet machine."""
        found = []
        if self.busy > BUSY_SHARE:
            found.append(f"the machine is busy: others use {self.busy:.0%} of its cores")
        if self.load[0] > self.cores:
            found.append(f"load {self.load[0]:.1f} on {self.cores} cores in the last minute")
        if self.cores < 2:
            found.append("one core: the targets are for two")
        return found


def describe_machine() -> Machine:
    """Describe this machine; takes ``SAMPLE_SECONDS``."""
    host = describe_host()
    return Machine(
        system=host.system,
        kernel=host.kernel,
        model=_field("/proc/cpuinfo", "model name") or "unknown",
        cores=host.cpus,
        memory_bytes=host.memory_bytes,
        memory_available_bytes=int(_field("/proc/meminfo", "MemAvailable").split()[0]) * 1024,
        cgroups=host.cgroups,
        load=os.getloadavg(),
        busy=busy_share(SAMPLE_SECONDS),
    )


def busy_share(seconds: float) -> float:
    """Return the share of all cores' time in use during the next ``seconds``, from 0 to 1."""
    before = cpu_times(Path("/proc/stat").read_text(encoding="ascii"))
    time.sleep(seconds)
    after = cpu_times(Path("/proc/stat").read_text(encoding="ascii"))
    total = after[1] - before[1]
    return (after[0] - before[0]) / total if total else 0.0


def cpu_times(stat: str) -> tuple[int, int]:
    """Return ticks in use and ticks in total from the text of /proc/stat; see proc(5).

    Waiting for a disk counts as idle; ``guest`` is contained in ``user``.
    """
    first = stat.partition("\n")[0].split()[1:9]
    ticks = [int(field) for field in first]
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)


def _field(path: str, name: str) -> str:
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""
