"""Every object has a name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.findings import Problem
from conformance.linter.rule import rule
from conformance.linter.rules.schema.shared import named_object, written_objects

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("schema.complete", level=1)
def complete(app: AppPackage) -> Iterator[Problem]:
    """Yield each written object without a name."""
    for manifest in written_objects(app):
        if not manifest.name:
            yield Problem(
                manifest.place("metadata"), f"{named_object(manifest)} has no metadata.name"
            )
