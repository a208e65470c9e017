"""The pinned kind as the program that pytest-kind runs: with one engine, and bound to its owner."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from conformance.clusters.ownership.state import Folder
from conformance.components.processes import prison

SECONDS = 300
"""For one command; kubeadm gives a control plane 240 s, and then says what is wrong."""
_SCRIPT = """\
#!/bin/sh
case $1 in
# pytest-kind would take a cluster of the name for its own; kind itself then refuses to make one.
get) exit ;;
# When it fails, kind removes all nodes of the name, whoever made them. The suite removes its own.
create) set -- "$@" --retain ;;
esac
exec {command} "$@" 2>>{log}
"""


def write(folder: Folder, program: Path, environment: Mapping[str, str]) -> Path:
    """Write the script into a cluster's folder and return it.

    Whatever way the process that runs it ends, kind and its Docker clients end with it: left
    alone, they would make a node that nobody owns.
    """
    script = folder.path / "kind"
    settings = {**environment, "KIND_EXPERIMENTAL_PROVIDER": "docker"}
    words = [
        *("setpriv", "--pdeathsig", "KILL", "timeout", "--signal=KILL", str(SECONDS)),
        *prison(mounts=False),
        *("env", "-i", *(f"{name}={value}" for name, value in settings.items()), str(program)),
    ]
    command = " ".join(map(shlex.quote, words))
    script.write_text(_SCRIPT.format(command=command, log=shlex.quote(str(log(folder)))))
    script.chmod(0o700)
    return script


def log(folder: Folder) -> Path:
    """Return where kind's output is kept."""
    return folder.path / "kind.log"
