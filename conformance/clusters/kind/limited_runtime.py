#!/usr/bin/python3 -I
"""OCI runtime for a host that lacks capabilities: takes them out of a container, and runs runc.

``docker run --privileged`` of Docker 20.10 asks for every capability that the kernel knows, and
runc fails where the host itself has been denied one. Standard library only: a Docker engine runs
this file as a program. https://github.com/opencontainers/runtime-spec/blob/v1.1.0/config.md
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

RUNC = "runc"
# In the order of linux/capability.h, whose numbers are the bits of CapBnd.
NAMES = re.findall(
    r"\w+",
    """
    CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE
    NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO
    SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME
    SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG
    WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE
    """,
)


def capabilities(status: str) -> set[str]:
    """Return what /proc/self/status says that this process may hand on."""
    bounding = int(status.split("CapBnd:")[1].split(maxsplit=1)[0], 16)
    return {f"CAP_{name}" for bit, name in enumerate(NAMES) if bounding >> bit & 1}


def limit(process: dict[str, Any], held: set[str]) -> None:
    """Take out of an OCI process what needs capabilities that are not ``held``."""
    for kind, names in (process.get("capabilities") or {}).items():
        process["capabilities"][kind] = [name for name in names if name in held]
    if "CAP_SYS_RESOURCE" not in held:
        process["oomScoreAdj"] = max(process.get("oomScoreAdj") or 0, 0)


def option(arguments: Sequence[str], *names: str) -> Path | None:
    """Return the value of runc's option, in either of the forms that its callers write."""
    for position, word in enumerate(arguments):
        for name in names:
            if word == name:
                return Path(arguments[position + 1])
            if word.startswith(f"{name}="):
                return Path(word.removeprefix(f"{name}="))
    return None


def main() -> None:
    """Rewrite the container or the process that runc is about to start, and become runc."""
    arguments = sys.argv[1:]
    held = capabilities(Path("/proc/self/status").read_text(encoding="utf-8"))
    if {"create", "run"} & set(arguments) and (bundle := option(arguments, "--bundle", "-b")):
        _rewrite(bundle / "config.json", held, "process")
    if "exec" in arguments and (file := option(arguments, "--process", "-p")):
        _rewrite(file, held)
    os.execvp(RUNC, [RUNC, *arguments])  # noqa: S606 - no shell in between


def _rewrite(file: Path, held: set[str], key: str | None = None) -> None:
    document = json.loads(file.read_text(encoding="utf-8"))
    limit(document[key] if key else document, held)
    file.write_text(json.dumps(document), encoding="utf-8")


if __name__ == "__main__":
    main()
