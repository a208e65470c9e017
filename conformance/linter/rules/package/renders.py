"""The chart renders with every set of values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from conformance.linter.findings import NotRun, Problem
from conformance.linter.helm.installations import DEFAULTS
from conformance.linter.rule import rule

if TYPE_CHECKING:
    from conformance.linter.app import AppPackage


_FIX_OF_VALUES = (
    "Give the linter the values that the chart needs: --values FILE, or ci/NAME-values.yaml in the "
    "chart, which is tried each time."
)
_FIX_OF_LIMIT = "Look in the templates for an endless loop, or one that creates more and more text."


@rule("package.renders", level=2)
def renders(app: AppPackage) -> Iterator[Problem | NotRun]:
    """Yield each failure, and each chart that is not here to be rendered."""
    for failure in app.failures:
        fix = _FIX_OF_LIMIT if failure.limit else ""
        if failure.needed and failure.label == DEFAULTS:
            fix = _FIX_OF_VALUES
        yield Problem(failure.place, f"with {failure.label}: {failure.message}", fix)
    failed = {failure.label for failure in app.failures}
    for installation in app.installations:
        if installation.label not in failed:
            yield from map(NotRun, installation.missing)
