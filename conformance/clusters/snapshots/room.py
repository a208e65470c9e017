"""Whether the disks have room for a new snapshot, and still some for the run that makes it.

A disk ran full once: each version of the suite's code makes snapshots of its own, of gigabytes.
"""

from __future__ import annotations

from pathlib import Path

from conformance.common import disk_space
from conformance.common.disk_space import size

GUESS = 4_000_000_000
"""Bytes that a new one is taken to need while there is none of its kind to tell: 3 to 4 GB."""
FOR_THE_RUN = 5_000_000_000
"""Bytes that stay free, for what the run itself writes: a node does not start below 3 GiB."""


def lack(needed: int, folder: Path) -> str:
    """Return why so many bytes of a snapshot have no room in a folder, in words; empty: they have.

    The folder need not exist yet.
    """
    what = f"a snapshot (about {size(needed)}) and the run ({size(FOR_THE_RUN)})"
    return disk_space.lack(what, needed + FOR_THE_RUN, folder)
