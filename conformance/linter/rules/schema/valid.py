"""Objects have only fields and values that their kinds allow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts.kubernetes_schema import (
    validate,
)
from conformance.linter.findings import Problem
from conformance.linter.rule import rule
from conformance.linter.rules.schema.shared import unless_guessed, written_objects

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("schema.valid", level=1)
def valid(app: AppPackage) -> Iterator[Problem]:
    """Yield what is wrong with the written objects."""
    patched = {member.file for one in app.kustomizations if one.beyond for member in one.members}
    for manifest in written_objects(app):
        for violation in validate(manifest):
            if not violation.absent or manifest.file not in patched:  # a patch may add it
                yield from unless_guessed(app, manifest, violation)
