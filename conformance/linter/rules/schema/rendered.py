"""The rendered chart has only fields, values and names that its kinds allow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts.kubernetes_schema import (
    invalid_names,
    validate,
)
from conformance.linter.findings import NotRun, Problem
from conformance.linter.rule import rule
from conformance.linter.rules.schema.shared import (
    named_object,
    not_rendered,
    problem_of,
    rendered_objects,
)

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("schema.rendered", level=2)
def rendered(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield what is wrong with the rendered objects."""
    yield from not_rendered(app)
    for manifest in rendered_objects(app):
        for violation in (*validate(manifest), *invalid_names(manifest)):
            yield problem_of(manifest, violation)
        if (
            manifest.api_version
            and not manifest.name
            and not manifest.get("metadata", "generateName")
        ):
            yield Problem(
                manifest.place("metadata"), f"{named_object(manifest)} has no metadata.name"
            )
