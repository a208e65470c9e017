"""Names and labels have only the characters that Kubernetes allows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts.kubernetes_schema import (
    invalid_names,
)
from conformance.linter.findings import Problem
from conformance.linter.rule import rule
from conformance.linter.rules.schema.shared import NAMES, unless_guessed, written_objects

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule(
    "schema.names",
    "Names and labels have only the characters that Kubernetes allows",
    level=1,
    why="The API server refuses an object whose name or label has a capital letter, a space, an "
    "underscore or too many characters in the wrong place; Flux then applies nothing.",
    source=NAMES,
    fix='Use lower-case letters, digits and "-"; labels have 63 characters at most.',
    example="""
metadata:
  name: notes-data
  labels:
    stackspin.net/backupSet: notes
""",
)
def names(app: AppPackage) -> Iterator[Problem]:
    """Yield what is wrong with the names and labels of written objects."""
    for manifest in written_objects(app):
        for violation in invalid_names(manifest):
            yield from unless_guessed(app, manifest, violation)
