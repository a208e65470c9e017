"""The Helm release keeps its name and namespace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts.changes import (
    against_previous,
    installed_as,
    moved_releases,
)
from conformance.linter.findings import NotRun, Place, Problem, quoted
from conformance.linter.manifest import Manifest
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("upgrade.release-moved", level=3)
@against_previous
def release_moved(before: AppPackage, app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each release that is another one now."""
    for old, new in moved_releases(before, app):
        was, now = installed_as(old), installed_as(new)
        yield Problem(
            _place_of_identity(new.manifest),
            f"the Helm release was {quoted(was[1])} in namespace {quoted(was[0])}, and is "
            f"{quoted(now[1])} in {quoted(now[0])} now: the old one is uninstalled, an empty one "
            "installed",
        )


def _place_of_identity(manifest: Manifest) -> Place:
    for key in ("releaseName", "targetNamespace", "storageNamespace"):
        if manifest.get("spec", key) is not None:
            return manifest.place("spec", key)
    return manifest.place("metadata", "name")
