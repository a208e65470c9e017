"""Names and labels have only the characters that Kubernetes allows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts.kubernetes_schema import (
    invalid_names,
)
from conformance.linter.findings import Problem
from conformance.linter.rule import rule
from conformance.linter.rules.schema.shared import unless_guessed, written_objects

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("schema.names", level=1)
def names(app: AppPackage) -> Iterator[Problem]:
    """Yield what is wrong with the names and labels of written objects."""
    for manifest in written_objects(app):
        for violation in invalid_names(manifest):
            yield from unless_guessed(app, manifest, violation)
