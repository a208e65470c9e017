"""A generated password does not change by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.findings import Problem
from conformance.linter.rule import rule
from conformance.linter.rules.secrets.shared_generated import CONTROLLER

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule(
    "secrets.regenerated",
    "A generated password does not change by itself",
    level=3,
    why="A password that changes by itself locks the app out of its own database, and people out "
    "of the app. Flux repeats that order again and again.",
    source=CONTROLLER,
    fix="Remove it. To change a password once, delete the Secret by hand.",
    example="""
kind: StringSecret
spec:
  fields:
    - fieldName: password
      length: "32"
""",
)
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
