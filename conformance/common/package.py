"""The files a check deploys: a private copy of ``charts/`` and ``fixtures/``."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from conformance.common import settings

PARTS = ("charts", "fixtures")


@dataclass(frozen=True)
class Package:
    """A private copy of what is deployed; a check may change its files."""

    root: Path

    @classmethod
    def copy(cls, destination: Path, source: Path | None = None) -> Package:
        """Copy ``charts/`` and ``fixtures/`` from ``source`` (default: the committed ones)."""
        source = source or settings.data_root()
        for part in PARTS:
            if (source / part).is_dir():
                shutil.copytree(source / part, destination / part, symlinks=True)
        return cls(destination)

    @property
    def flux2(self) -> Path:
        """The directory that Flux applies."""
        return self.root / "fixtures" / "flux2"

    def chart(self, name: str) -> Path:
        """Folder of the Helm chart ``name``."""
        return self.root / "charts" / name

    def app(self, name: str) -> Path:
        """Folder with the source and Dockerfile of the reference app ``name``."""
        return self.root / "fixtures" / "apps" / name
