"""Whether what a hook of Helm needs is there when the hook runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.linter.access import text
from conformance.linter.manifest import HOOK

if TYPE_CHECKING:
    from conformance.linter.manifest import Manifest


BEFORE, AFTER = "pre-install", "post-install"


def is_hook(manifest: Manifest) -> bool:
    """Return whether Helm runs an object at some moment."""
    return bool(when_it_runs(manifest))


def when_it_runs(manifest: Manifest) -> str:
    """Return the moments at which Helm runs an object, as they are written."""
    return text(manifest.annotations.get(HOOK))


def runs_at(manifest: Manifest, moment: str) -> bool:
    """Return whether Helm runs an object at a moment, such as pre-install."""
    return moment in [one.strip() for one in when_it_runs(manifest).split(",")]
