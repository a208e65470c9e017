"""Every object has a name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.findings import Problem
from conformance.linter.rule import rule
from conformance.linter.rules.schema.shared import NAMES, named_object, written_objects

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule(
    "schema.complete",
    "Every object has a name",
    level=1,
    why="If one object has no name, kustomize refuses the whole folder.",
    source=NAMES,
    fix="Add metadata.name.",
    example="""
apiVersion: v1
kind: ConfigMap
metadata:
  name: stackspin-notes-values
""",
)
def complete(app: AppPackage) -> Iterator[Problem]:
    """Yield each written object without a name."""
    for manifest in written_objects(app):
        if not manifest.name:
            yield Problem(
                manifest.place("metadata"), f"{named_object(manifest)} has no metadata.name"
            )
