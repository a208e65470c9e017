"""The machine and the commit that the suite runs on, for readers who compare two runs."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

from conformance.common.settings import PROJECT_ROOT
from conformance.report.environment import Host


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


COMMIT = "STACKSPIN_CONFORMANCE_COMMIT"
"""The variable by which the suite's own image says what it was made of."""


def suite_commit() -> str:
    """Return the commit of the suite's checkout, ``-dirty`` if changed; empty if it has none."""
    if not (PROJECT_ROOT / ".git").exists():
        return os.environ.get(COMMIT, "")
    # Git refuses a checkout of another user's: a job in a container is root.
    git = ("git", "-c", "safe.directory=*")
    describe = ("describe", "--always", "--exclude=*", "--abbrev=12", "--dirty")
    try:
        return subprocess.check_output(
            [*git, *describe],
            cwd=PROJECT_ROOT,
            stderr=subprocess.DEVNULL,
            text=True,
        ).strip()
    except (OSError, subprocess.CalledProcessError):
        return ""  # no git, or no commit
