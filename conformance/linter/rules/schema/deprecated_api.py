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


@rule("schema.deprecated-api", level=1, severity=Severity.WARNING)
def deprecated_api(app: AppPackage) -> Iterator[Problem]:
    """Yield each object of such a version."""
    yield from advised(app, (*written_objects(app), *rendered_objects(app)), deprecated)
