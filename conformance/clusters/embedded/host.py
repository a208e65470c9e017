"""What of this host decides how the node is set up."""

from __future__ import annotations

import resource
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class HostFacts:
    """The adaptations to this host."""

    snapshotter: str
    """containerd's: overlayfs, or native where the state folder's file system cannot carry it."""
    restrict_oom_score: bool
    """True where containers cannot be given a lower oom_score_adj than our own."""
    open_files: int
    """The most file descriptors that a process may have."""


def facts(state: Path) -> HostFacts:
    return HostFacts("overlayfs", True, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
