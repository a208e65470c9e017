"""A generated password does not change by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.findings import Problem
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("secrets.regenerated", level=3)
def regenerated(app: AppPackage) -> Iterator[Problem]:
    """Yield each order to make new values."""
    annotation = "secret-generator.v1.mittwald.de/regenerate"
    for one in app.objects("StringSecret", "BasicAuth", "Secret"):
        if one.get("spec", "forceRegenerate") is True:
            yield Problem(
                one.place("spec", "forceRegenerate"),
                f"forceRegenerate gives {one.kind} {one.name} new passwords each time",
            )
        if annotation in one.annotations:
            yield Problem(
                one.place("metadata", "annotations", annotation),
                f"the annotation {annotation} gives {one.kind} {one.name} new passwords whenever "
                "Flux applies it",
            )
