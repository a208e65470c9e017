"""What whoever makes a part is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from conformance.components.processes import Runner
from conformance.components.recipe import Sources


@dataclass(frozen=True)
class Work:
    """One part's making."""

    target: Path
    """Empty folder for the part's files."""
    scratch: Path
    """Folder for anything else, removed afterwards."""
    cache: Path
    sources: Sources
    runner: Runner
    line: Callable[[str], None]
    """Told what goes on."""
    inputs: Callable[[str], Path]
    """Gives another part's verified folder."""
