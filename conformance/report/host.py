"""The machine the suite runs on, for readers who compare durations."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from conformance.report.model import Host


def describe_host() -> Host:
    """Describe this machine."""
    cgroups = "v2" if Path("/sys/fs/cgroup/cgroup.controllers").exists() else "v1"
    try:
        system = platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        system = platform.system()
    return Host(
        system=system,
        kernel=platform.release(),
        cpus=len(os.sched_getaffinity(0)),
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        cgroups=cgroups,
        root=os.geteuid() == 0,
        python=platform.python_version(),
    )
