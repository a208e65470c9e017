"""The cluster has the API versions that the objects use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.facts.kubernetes_schema import (
    unserved,
)
from conformance.linter.findings import Problem
from conformance.linter.rule import rule
from conformance.linter.rules.schema.shared import advised, written_objects

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


@rule("schema.removed-api", level=1)
def removed_api(app: AppPackage) -> Iterator[Problem]:
    """Yield each written object that the cluster does not know any more."""
    yield from advised(app, written_objects(app), unserved)
