"""No object uses an API version that will be removed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts.kubernetes_schema import (
    deprecated,
)
from conformance.linter.findings import Problem, Severity
from conformance.linter.rule import rule
from conformance.linter.rules.schema.shared import advised, rendered_objects, written_objects

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule(
    "schema.deprecated-api",
    "No object uses an API version that will be removed",
    level=1,
    severity=Severity.WARNING,
    why="The next Flux may not know it; then the app can be neither updated nor removed.",
    source="https://fluxcd.io/flux/installation/upgrade/",
    fix="Write the apiVersion that the finding names.",
    example="""
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
""",
)
def deprecated_api(app: AppPackage) -> Iterator[Problem]:
    """Yield each object of such a version."""
    yield from advised(app, (*written_objects(app), *rendered_objects(app)), deprecated)
